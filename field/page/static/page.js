// The live page: one stream of frames drawn as they come. It asks nobody but the server that it came from.

const LANGUAGES = { en: "English", zh: "中文" };
const SVG = "http://www.w3.org/2000/svg";
const COLOURS = { G: "#12824a", g: "#4aa878", y: "#d99400", o: "#d99400", r: "#c2272d", t: "#c2272d", u: "#8b95a3", d: "#8b95a3" };
const TELLING = "Ggyortud";
const STRIP_S = 300;
const VEH_IN_BAR = 20;
const SPACE_M = 7.5;
const FAR_M = 150;

const asked = new URLSearchParams(location.search);
const element = (id) => document.getElementById(id);
let language = asked.get("lang") in LANGUAGES ? asked.get("lang") : navigator.language.startsWith("zh") ? "zh" : "en";
let words = {};
let site = null;
let place = null;
let frame = null;
let past = [];
let heard = 0;

const say = (key, values = {}) => (words.page[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function make(parent, name, attributes = {}, text = "") {
  const node = parent instanceof SVGElement || name === "svg" ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  parent.append(node);
  return node;
}

// What a controller or the interlock says is a sentence with a stage and a number in it; each language has its own.
function sentence(said, stage, number) {
  let known = words.said[said];
  let before = "";
  if (known === undefined) {
    const end = Object.keys(words.said).filter((key) => said.endsWith(key)).sort((a, b) => b.length - a.length)[0];
    if (end) [before, known] = [said.slice(0, -end.length), words.said[end]];
  }
  const filled = (known ?? said).replace("{stage}", stage).replace(/\{number(?::\.(\d)([f%]))?\}/g, (_, digits, kind) =>
    number === null ? "–" : kind === "%" ? `${(number * 100).toFixed(digits)} %` : kind ? number.toFixed(digits) : String(number));
  return before + filled;
}

// What the state machine says has its figures in it: {a}, {b} stand for any.
function reason(said) {
  const step = /^(\w+) to (\w+): (.*)$/.exec(said);
  if (step && step[1] in words.states) return `${words.states[step[1]]} → ${words.states[step[2]]}${words.language.colon}${reason(step[3])}`;
  for (const [known, ours] of Object.entries(words.reasons)) {
    const pattern = known.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w)\}/g, "(?<$1>.+?)");
    const found = new RegExp(`^${pattern}$`).exec(said);
    if (found) return ours.replace(/\{(\w)\}/g, (_, name) => reason(found.groups[name]));
  }
  return words.said[said] ?? said;
}

const best = (letters) => [...TELLING].find((letter) => letters.includes(letter)) ?? "u";
const letters = (heads, columns) => columns.map((k) => heads[k] ?? "u").join("");
const turned = (angle) => `rotate(${90 - angle})`;

const TURNS = {
  "through": "M0 8V-8M-3 -4L0 -8L3 -4",
  "left": "M0 8V0Q0 -4 -6 -4M-3 -7L-6 -4L-3 -1",
  "right": "M0 8V0Q0 -4 6 -4M3 -7L6 -4L3 -1",
  "u-turn": "M2 8V-2Q2 -7 -2 -7Q-5 -7 -5 -2V3M-8 0L-5 3L-2 0",
};

// An arm is drawn as if it came from the top, then turned to where it lies: traffic comes down its left half as seen on
// the screen, since it keeps right.
function drawJunction() {
  const { arms, walks, half, lane, arm: long } = place.drawing;
  const drawing = element("drawing");
  drawing.replaceChildren();
  const reach = half + long + 22;
  drawing.setAttribute("viewBox", frameOf(arms, half, lane, reach).join(" "));
  drawing.setAttribute("aria-label", say("drawing", { junction: place.junction }));
  const shapes = { lanes: [], loops: [], queues: [] };
  const across = (arm, k) => -(arm.lanes.length - k - 0.5) * lane;
  const out = (along) => -(half + 9 + along * (long - 24));
  for (const arm of arms) {
    const group = make(drawing, "g", { transform: turned(arm.angle) });
    const left = -arm.lanes.length * lane - 2, right = arm.exits * lane + 2;
    make(group, "rect", { class: "road", x: left, y: -half - long, width: right - left, height: long + half });
    make(group, "line", { class: "median", x1: 0, x2: 0, y1: -half - long, y2: -half });
    for (let k = 1; k < arm.lanes.length; k += 1)
      make(group, "line", { class: "divide", x1: left + 2 + k * lane, x2: left + 2 + k * lane, y1: -half - long, y2: -half - 12 });
    for (let k = 1; k < arm.exits; k += 1)
      make(group, "line", { class: "divide", x1: k * lane, x2: k * lane, y1: -half - long, y2: -half });
  }
  const size = arms.length > 4 ? half : half * 0.98;
  make(drawing, "circle", { class: "box", r: size });
  for (const arm of arms) {
    const group = make(drawing, "g", { transform: turned(arm.angle) });
    arm.lanes.forEach((each, k) => {
      const x = across(arm, k);
      shapes.queues.push({ group: each.group, node: make(group, "rect", { class: "queued", x: x - lane * 0.28, width: lane * 0.56, y: 0, height: 0 }), out });
      for (const turn of each.turns)
        make(group, "path", { class: "turn", d: TURNS[turn], transform: `translate(${x} ${out(0.34)}) rotate(180) scale(0.85)` });
      const lamps = [...new Set(each.heads)];
      const bar = make(group, "line", { class: "head u", x1: x - lane / 2 + 1, x2: x + lane / 2 - 1, y1: -half - 4, y2: -half - 4 });
      const dots = lamps.map((head, n) => [head, make(group, "circle", {
        class: "lamp u", cx: x + (lamps.length === 1 ? 0 : (n / (lamps.length - 1) - 0.5) * (lane - 8)), cy: -half + 6, r: lamps.length > 2 ? 2.6 : 3.8,
      })]);
      shapes.lanes.push({ bar, dots, heads: lamps });
    });
    for (const loop of arm.loops) {
      const stop = loop.along < 0.1;
      const node = make(group, "rect", {
        class: "loop0", x: across(arm, loop.across) - lane * 0.3, width: lane * 0.6, y: out(loop.along) - (stop ? 13 : 4), height: stop ? 13 : 6, rx: 1,
      });
      make(node, "title", {}, loop.name);
      shapes.loops.push({ loop: loop.loop, node });
    }
    drawName(drawing, arm, reach, lane);
  }
  drawWalks(walks, shapes);
  drawLegend();
  place.shapes = shapes;
}

// As little as all arms need: a junction of three arms leaves a side free.
function frameOf(arms, half, lane, reach) {
  const xs = [-half, half], ys = [-half, half];
  for (const arm of arms) {
    const radians = (arm.angle * Math.PI) / 180, across = (Math.max(arm.lanes.length, arm.exits) + 2) * lane;
    const [x, y] = [Math.cos(radians), -Math.sin(radians)];
    for (const side of [-1, 1]) {
      xs.push(x * reach + side * Math.abs(y) * across);
      ys.push(y * reach + side * Math.abs(x) * across);
    }
  }
  const left = Math.min(...xs), top = Math.min(...ys);
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

function drawName(drawing, arm, reach, lane) {
  const radians = (arm.angle * Math.PI) / 180;
  const x = Math.cos(radians) * (reach - 16) , y = -Math.sin(radians) * (reach - 16);
  const upright = Math.abs(Math.sin(radians)) > 0.7;
  const text = make(drawing, "text", {
    class: "armname", x: upright ? x + arm.exits * lane * Math.sign(y < 0 ? 1 : -1) + 8 * Math.sign(y < 0 ? 1 : -1) : x,
    y: upright ? y + 4 : y - (x > 0 ? arm.lanes.length : arm.exits) * lane - 8,
    "text-anchor": upright ? (y < 0 ? "start" : "end") : x > 0 ? "end" : "start",
  });
  text.textContent = arm.name;
}

function drawWalks(walks, shapes) {
  element("walks").replaceChildren();
  shapes.walks = walks.map((walk) => {
    const row = make(element("walks"), "li");
    const icon = make(row, "svg", { class: "dot", viewBox: "-6 -6 12 12" });
    const node = make(icon, "circle", { r: 5, class: "u" });
    make(row, "span", {}, say("crossing", { name: walk.name }));
    return { node, heads: walk.heads };
  });
}

function drawLegend() {
  const legend = element("legend");
  legend.replaceChildren();
  for (const [style, word] of [["loop0", "free"], ["loop1", "covered"], ["loopx", "not_believed"]]) {
    const item = make(legend, "span");
    make(make(item, "svg", { viewBox: "0 0 18 14" }), "rect", { class: style, x: 2, y: 2, width: 14, height: 10 });
    item.append(say(word));
  }
  const item = make(legend, "span");
  make(make(item, "svg", { viewBox: "0 0 18 14" }), "rect", { class: "queued", x: 2, y: 2, width: 14, height: 10 });
  item.append(say("queued"));
}

function drawGroups() {
  const table = element("groups");
  table.replaceChildren();
  place.rows = place.groups.map((group, column) => {
    const row = make(table, "tr");
    const name = make(row, "td", { class: "lanes", title: group.name });
    const icon = make(name, "svg", { viewBox: "-18 -9 33 18" });
    const colour = make(icon, "circle", { cx: -12, cy: 0, r: 5, class: "u" });
    const lane = place.drawing.arms.flatMap((arm) => arm.lanes).find((each) => each.group === column);
    for (const turn of lane?.turns ?? []) make(icon, "path", { class: "turn", d: TURNS[turn], transform: "translate(6 0) scale(0.9)" });
    name.append(group.approach);
    const bar = make(make(row, "td", { class: "bar" }), "div");
    return { colour, bar, queue: make(row, "td", { class: "number" }), flow: make(row, "td", { class: "number" }) };
  });
}

function show() {
  if (!frame || !place) return;
  const state = frame.ended ? "ended" : frame.silent ? "silent" : frame.state;
  element("state").className = `badge ${state}`;
  put(element("state"), words.states[state] ?? state);
  put(element("why"), reason(frame.why ?? ""));
  list(element("alarms"), frame.alarms ?? []);
  list(element("lines"), (frame.lines ?? []).map(reason).reverse());
  showLine();
  if (frame.heads === undefined) return;
  showJunction();
  showDecision();
  showTraffic();
  showHealth();
  showStrip();
}

function list(node, lines) {
  if (node.dataset.shown === JSON.stringify(lines)) return;
  node.dataset.shown = JSON.stringify(lines);
  node.replaceChildren();
  for (const line of lines) make(node, "li", {}, line);
}

function showLine() {
  const lost = Date.now() - heard > 15000;
  element("line").classList.toggle("lost", lost);
  put(element("line"), lost ? say("lost") : `${frame.clock ?? ""}  ${place.speed === 1 ? "" : say("speed", { speed: place.speed })}`);
}

function showJunction() {
  const { lanes, loops, queues, walks } = place.shapes;
  for (const { bar, dots, heads } of lanes) {
    bar.setAttribute("class", `head ${best(letters(frame.heads, heads))}`);
    for (const [head, dot] of dots) dot.setAttribute("class", `lamp ${frame.heads[head]}`);
  }
  for (const { loop, node } of loops) node.setAttribute("class", `loop${frame.loops[loop]}`);
  for (const { node, heads } of walks) node.setAttribute("class", best(letters(frame.heads, heads)));
  const lanesOf = {};
  for (const queue of queues) lanesOf[queue.group] = (lanesOf[queue.group] ?? 0) + 1;
  for (const { group, node, out } of queues) {
    const long_m = (frame.queue_veh[group] / lanesOf[group]) * SPACE_M;
    const end = out(Math.sqrt(Math.min(1, long_m / FAR_M)));
    node.setAttribute("y", end);
    node.setAttribute("height", Math.max(0, out(0) - end));
  }
}

function showDecision() {
  const stage = frame.stage >= 0 ? place.stages[frame.stage] : null;
  const own = frame.local ? ` · ${say("own_plan")}` : "";
  put(element("stage"), (stage ? say("stands", { stage: stage.name, phases: stage.phases.join(" "), seconds: frame.green_s.toFixed(0) }) : say("interstage")) + own);
  const wish = frame.wish.mode === "go" ? (stage && frame.wish.stage === stage.name ? say("keeps", frame.wish) : say("goes", frame.wish)) : say(`mode_${frame.wish.mode}`);
  put(element("wish"), `${place.controller}: ${wish} – ${sentence(frame.because.said, frame.wish.stage, frame.because.number)}`);
  element("answer").className = frame.answer.granted ? "" : "no";
  put(element("answer"), `${say("interlock")}: ` + (frame.answer.granted ? say("granted") : `${say(`mode_${frame.answer.mode}`)} – ${sentence(frame.answer.said, "", 0)}`));
}

function showTraffic() {
  place.rows.forEach((row, k) => {
    row.colour.setAttribute("class", best(letters(frame.heads, place.groups[k].heads)));
    row.bar.style.width = `${Math.min(100, (frame.queue_veh[k] / VEH_IN_BAR) * 100)}%`;
    put(row.queue, `${frame.known[k] === 2 ? "" : "~ "}${frame.queue_veh[k].toFixed(0)}`);
    put(row.flow, frame.flow_veh_per_h[k].toFixed(0));
  });
}

function showHealth() {
  const cabinet = frame.cabinet, loops = frame.detectors;
  const rows = [];
  if (cabinet) {
    rows.push(["commanded_by", words.commanders[cabinet.command] ?? cabinet.command, false]);
    rows.push(["age", say("seconds", { number: cabinet.age_s.toFixed(1) }), cabinet.age_s > 5 * place.speed]);
    rows.push(["backup", say("seconds", { number: cabinet.backup_s }), cabinet.backup_s === 0]);
    if (cabinet.hands_off) rows.push(["hands_off", cabinet.hands_off, true]);
    rows.push(["in_force", cabinet.written || "–", false]);
    if (cabinet.offset_s !== null) rows.push(["offset", say("seconds", { number: cabinet.offset_s.toFixed(1) }), Math.abs(cabinet.offset_s) > 2]);
  }
  rows.push(["detectors", say("loops", loops), loops.doubted + loops.faulty > 0]);
  define(element("cabinet"), rows);
  define(element("counts"), [
    ["level", words.levels[place.level] ?? place.level, false],
    ["ticks", say("of_ticks", { late: frame.late, ticks: frame.ticks }), false],
    ["changes", String(frame.changes), false],
    ["refused", String(frame.refused), false],
    ["sets", String(frame.sets), false],
    ["replaced", String(frame.replaced) + (frame.rules_only ? ` · ${say("rules_only")}` : ""), frame.rules_only],
  ]);
}

function define(node, rows) {
  const key = rows.map((row) => row[0]).join() + language;
  if (node.dataset.rows !== key) {
    node.dataset.rows = key;
    node.replaceChildren();
    for (const [word] of rows) {
      make(node, "dt", {}, say(word));
      make(node, "dd");
    }
  }
  const values = node.querySelectorAll("dd");
  rows.forEach(([, value, bad], k) => {
    put(values[k], value);
    values[k].className = bad ? "bad" : "";
  });
}

// Stage on top, then a band a lane group in the colour of its best head, with the loops' marks above it.
function showStrip() {
  const canvas = element("minutes"), ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, label = width < 500 ? 74 : 130, row = 19;
  const height = row * (place.groups.length + 1) + 18;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const now_s = frame.time_s, x = (time_s) => label + ((time_s - now_s + STRIP_S) / STRIP_S) * (width - label - 2);
  const shown = past.filter((each) => each[0] > now_s - STRIP_S);
  const end = (k) => Math.min(shown[k + 1]?.[0] ?? now_s + 1, shown[k][0] + 3);
  drawBands(pen, shown, x, end, row);
  drawLabels(pen, label, row);
  pen.fillStyle = "#5a6675";
  for (let ago_s = STRIP_S; ago_s >= 0; ago_s -= 60) {
    const text = ago_s ? `−${ago_s / 60} min` : say("now");
    pen.textAlign = ago_s === 0 ? "right" : ago_s === STRIP_S ? "left" : "center";
    if (width > 500 || ago_s % 120 === 60 || ago_s === 0) pen.fillText(text, x(now_s - ago_s), height - 8);
  }
}

function drawBands(pen, shown, x, end, row) {
  let begun = 0;
  shown.forEach((each, k) => {
    const from = x(each[0]), to = x(end(k)) + 0.5;
    place.groups.forEach((group, n) => {
      const y = row * (n + 1);
      pen.fillStyle = COLOURS[best(letters(each[2], group.heads))];
      pen.fillRect(from, y + 10, to - from, 6);
      if (group.loops.some((loop) => each[3][loop] === "1")) {
        pen.fillStyle = "#0b6bcb";
        pen.fillRect(from, y + 4, Math.max(1, to - from - 0.5), 5);
      }
    });
    if (shown[k + 1]?.[1] === each[1] && k + 1 < shown.length) return;
    const left = x(shown[begun][0]);
    begun = k + 1;
    if (each[1] < 0) return;
    pen.fillStyle = "#dfe6ee";
    pen.fillRect(left, 2, to - left - 1, row - 4);
    pen.fillStyle = "#1b2430";
    pen.textAlign = "center";
    const name = place.stages[each[1]].name;
    if (pen.measureText(name).width < to - left - 3) pen.fillText(name, (left + to) / 2, row / 2);
  });
}

function drawLabels(pen, label, row) {
  pen.fillStyle = "#1b2430";
  pen.textAlign = "left";
  pen.fillText(say("stage"), 0, row / 2);
  place.groups.forEach((group, n) => {
    const lane = place.drawing.arms.flatMap((arm) => arm.lanes).find((each) => each.group === n);
    const arrows = (lane?.turns ?? []).map((turn) => ({ left: "←", through: "↑", right: "→", "u-turn": "↶" })[turn]).join("");
    let name = group.approach;
    while (name.length > 2 && pen.measureText(`${name}… ${arrows}`).width > label - 6) name = name.slice(0, -1);
    pen.fillText(`${name === group.approach ? name : `${name}…`} ${arrows}`, 0, row * (n + 1) + 11);
  });
}

async function ask(what) {
  const output = element("asked");
  output.textContent = "…";
  try {
    const answer = await fetch(`/sites/${encodeURIComponent(site)}/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Authorization": `Bearer ${element("token").value}` },
      body: JSON.stringify({ who: element("who").value }),
    });
    const { said } = await answer.json();
    output.textContent = words.answers[said] ?? said;
    if (answer.ok) element("token").value = "";
  } catch {
    output.textContent = say("lost");
  }
}

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function speak(chosen) {
  language = chosen;
  words = await fetched(`/words/${language}.json`);
  document.documentElement.lang = words.language.code;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  const languages = element("languages");
  languages.replaceChildren();
  for (const [code, name] of Object.entries(LANGUAGES)) {
    const button = make(languages, "button", { type: "button", lang: code, "aria-pressed": String(code === language) }, name);
    button.addEventListener("click", () => {
      asked.set("lang", code);
      history.replaceState(null, "", `?${asked}`);
      speak(code);
    });
    languages.append(" ");
  }
  if (place) dress();
  else if (site === null) showIndex();
}

function dress() {
  document.title = `${place.name} – adaptive-signals`;
  put(element("about"), `${say("junction")} ${place.junction} · ${place.controller}`);
  put(element("ask_note"), say(place.asks ? "ask_note" : "no_token"));
  for (const field of element("form").elements) field.disabled = !place.asks;
  drawJunction();
  drawGroups();
  show();
}

async function openSite(name, several) {
  site = name;
  element("name").replaceChildren();
  if (several) make(element("name"), "a", { href: `?lang=${language}` }, "☰");
  element("name").append(several ? ` ${name}` : name);
  place = await fetched(`/sites/${encodeURIComponent(name)}.json`);
  element("site").hidden = false;
  dress();
  const stream = new EventSource(`/sites/${encodeURIComponent(name)}/events`);
  stream.addEventListener("past", (event) => {
    past = JSON.parse(event.data);
  });
  stream.addEventListener("frame", (event) => {
    frame = JSON.parse(event.data);
    heard = Date.now();
    if (frame.heads !== undefined && past.at(-1)?.[0] !== frame.time_s) past.push([frame.time_s, frame.stage, frame.heads, frame.loops]);
    while (past.length && past[0][0] < frame.time_s - STRIP_S) past.shift();
    show();
  });
  setInterval(showLine2, 1000);
  addEventListener("resize", show);
}

function showLine2() {
  if (frame) showLine();
}

async function showIndex() {
  if (site !== null) return;
  let sites = [];
  try {
    sites = await fetched("/sites.json");
    heard = Date.now();
  } catch {
    element("line").classList.add("lost");
    put(element("line"), say("lost"));
    setTimeout(showIndex, 2000);
    return;
  }
  put(element("line"), "");
  const wanted = asked.get("site");
  if (sites.some((each) => each.name === wanted)) return openSite(wanted, sites.length > 1);
  if (sites.length === 1) return openSite(sites[0].name, false);
  element("index").hidden = false;
  const table = element("sites");
  table.replaceChildren();
  for (const each of sites) {
    const row = make(table, "tr"), state = each.ended ? "ended" : each.silent ? "silent" : each.state;
    make(make(row, "td"), "a", { href: `?site=${encodeURIComponent(each.name)}&lang=${language}` }, each.name);
    make(make(row, "td"), "span", { class: `badge ${state}` }, words.states[state] ?? state);
    make(row, "td", {}, each.stage_name || "–");
    for (const key of ["changes", "refused", "late"]) make(row, "td", { class: "number" }, String(each[key] ?? 0));
    make(row, "td", {}, each.alarms?.join("; ") || reason(each.why ?? ""));
  }
  setTimeout(showIndex, 2000);
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.submitter.value);
});
speak(language);
