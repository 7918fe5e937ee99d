"""`--where`: a condition over a table's columns, as SQL writes it, and nothing else that SQL could do.

condition  = clause { "or" clause }
clause     = part { "and" part }
part       = [ "not" ] ( "(" condition ")" | comparison )
comparison = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "like" ) value | column "in" "(" value { "," value } ")"
"""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from signals.errors import ConfigError

TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(\w+)|(<=|>=|!=|<>|[=<>(),]))")
COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=", "like")
CONSTANTS = {"true": True, "false": False}
Value = str | float | bool


@dataclass
class Condition:
    """SQL with a question mark for each value: no value, and no name but a known column, is ever part of the text."""

    sql: str
    values: list[Value] = field(default_factory=list)


def parse_condition(text: str, columns: Collection[str]) -> Condition:
    """ConfigError for what is no condition over these columns."""
    return _Parser(text, columns).whole()


class _Parser:
    def __init__(self, text: str, columns: Collection[str]) -> None:
        self._text, self._columns, self._values = text, columns, list[Value]()
        self._tokens, at = list[str](), 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if not found:
                raise self._error(f"'{text[at:].strip()}' is not understood")
            self._tokens.append(found[0].strip())
            at = found.end()

    def whole(self) -> Condition:
        sql = self._condition()
        if self._tokens:
            raise self._error(f"'{self._tokens[0]}' is one too many")
        return Condition(sql, self._values)

    def _condition(self) -> str:
        return self._chain("or", lambda: self._chain("and", self._part))

    def _chain(self, word: str, part) -> str:  # type: ignore[no-untyped-def]
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return f"({f' {word} '.join(parts)})"

    def _part(self) -> str:
        if self._takes("not"):
            return f"(not {self._part()})"
        if self._takes("("):
            inside = self._condition()
            self._need(")")
            return inside
        return self._comparison()

    def _comparison(self) -> str:
        column = self._next("a column")
        if column not in self._columns:
            near = difflib.get_close_matches(column, self._columns, 1, 0.0)
            raise self._error(f"{column} is no column, nearest: {''.join(near)}")
        sign = self._next("a comparison").lower()
        if sign == "in":
            self._need("(")
            marks = [self._value()]
            while self._takes(","):
                marks.append(self._value())
            self._need(")")
            return f'("{column}" in ({", ".join(marks)}))'
        if sign not in COMPARISONS:
            raise self._error(f"'{sign}' must be one of {' '.join(COMPARISONS)} in")
        return f'("{column}" {sign} {self._value()})'

    def _value(self) -> str:
        token = self._next("a value")
        if token.startswith("'"):
            self._values.append(token[1:-1].replace("''", "'"))
        elif token.lower() in CONSTANTS:
            self._values.append(CONSTANTS[token.lower()])
        elif re.fullmatch(r"-?\d.*", token):
            self._values.append(float(token))
        else:
            raise self._error(f"{token} must be a number or a 'text' in quotes")
        return "?"

    def _next(self, what: str) -> str:
        if not self._tokens:
            raise self._error(f"ends where {what} is missing")
        return self._tokens.pop(0)

    def _takes(self, word: str) -> bool:
        found = bool(self._tokens) and self._tokens[0].lower() == word
        if found:
            self._tokens.pop(0)
        return found

    def _need(self, word: str) -> None:
        if not self._takes(word):
            raise self._error(f"'{word}' is missing")

    def _error(self, what: str) -> ConfigError:
        return ConfigError(f'where "{self._text}": {what}; as in "scenario = \'arterial\' and delay_s < 40"')
