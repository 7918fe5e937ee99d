# `make` alone lists the targets. Everything is installed into .venv and nowhere else.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
PINS := pyproject.toml requirements.lock tools/install.py tools/requirements.py tools/find_python.sh

.DEFAULT_GOAL := help
.PHONY: help demo benchmark benchmark-quick test check format install install-train install-cluster install-dev lock clean

help:
	@echo "make demo           compare the controllers on real streets and say where the report is"
	@echo "make benchmark      every figure of docs/benchmarks.md; about 15 h on two cores, resumable; BENCHMARK='--networks cologne1'"
	@echo "make benchmark-quick a subset of it in 30 minutes on two cores; its page is in results/benchmark/quick"
	@echo "make test           lint, types, the import contract and all tests (WORKERS=$(WORKERS) at once)"
	@echo "make check          formatting, lint, types and the import contract"
	@echo "make format         put the code into the house's format"
	@echo "make install        what evaluate.py and control.py need"
	@echo "make install-train  what train.py needs besides, among it torch"
	@echo "make install-cluster what --engine ray needs besides (80 MB to fetch), on every machine; see docs/cluster.md"
	@echo "make install-dev    what tests and checks need besides"
	@echo "make lock           renew requirements.lock from pyproject.toml"
	@echo "make clean          remove .venv and what the tools leave behind"
	@echo
	@echo "PYTHON=python3.12 chooses another Python to make .venv with. On Linux torch comes with CUDA (some GB) unless"
	@echo "pip is given an index of CPU builds through PIP_EXTRA_INDEX_URL or PIP_INDEX_URL; see CONTRIBUTING.md."

demo: install
	@$(BIN)/python evaluate.py demo

benchmark: install
	@$(BIN)/python benchmarks/headline.py --workers $(WORKERS) $(BENCHMARK)

benchmark-quick: install
	@$(BIN)/python benchmarks/headline.py --quick --workers $(WORKERS) $(BENCHMARK)

test: check
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/.installed-sim
install-train: $(VENV)/.installed-train
install-cluster: $(VENV)/.installed-cluster
install-dev: $(VENV)/.installed-dev

# A larger set stamps the smaller ones too, so that nothing is installed again until a pin changes.
$(VENV)/.installed-sim: $(PINS)
	@python=$$(sh tools/find_python.sh) && "$$python" tools/install.py sim field
	@touch $@

$(VENV)/.installed-train: $(PINS)
	@python=$$(sh tools/find_python.sh) && "$$python" tools/install.py sim field train
	@touch $@ $(VENV)/.installed-sim

$(VENV)/.installed-cluster: $(PINS)
	@python=$$(sh tools/find_python.sh) && "$$python" tools/install.py sim field train cluster
	@touch $@ $(VENV)/.installed-sim $(VENV)/.installed-train

$(VENV)/.installed-dev: $(PINS)
	@python=$$(sh tools/find_python.sh) && "$$python" tools/install.py sim field train cluster dev
	@touch $@ $(VENV)/.installed-sim $(VENV)/.installed-train $(VENV)/.installed-cluster

lock:
	@rm -rf build/lock
	@python=$$(sh tools/find_python.sh) && "$$python" -m venv build/lock
	@build/lock/bin/python tools/requirements.py sim train field cluster dev > build/lock/requirements.txt
	@build/lock/bin/pip install --quiet --disable-pip-version-check -r build/lock/requirements.txt
	@build/lock/bin/pip freeze | sed 's/+[a-z0-9.]*$$//' > requirements.lock
	@rm -rf build/lock

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
