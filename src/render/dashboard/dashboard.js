// Draws the charts, counts ages from when somebody looks, sorts, filters, and moves the focus through the calendar.
// Foreign text goes into the page as text only. Nothing is loaded, sent or kept.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));
  const grouped = new Intl.NumberFormat("en");
  const count = (value) => grouped.format(value);
  const bytes = (size) => {
    if (size < 1000) return `${size} B`;
    let value = size;
    for (const unit of ["KiB", "MiB", "GiB", "TiB", "PiB"]) {
      value /= 1024;
      if (value < 99.95) return `${value.toFixed(1)} ${unit}`;
      if (value < 999.5) return `${value.toFixed(0)} ${unit}`;
    }
    return `${value.toFixed(0)} PiB`;
  };
  const when = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
  const moment = when({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const dayOf = when({ day: "numeric", month: "short" });
  const monthOf = when({ month: "short", year: "numeric" });
  const DAY = 86400;

  // ---- ages, as of now: the page may be older than it looks
  const age = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return `${s} s ago`;
    if (s < 5400) return `${Math.floor(s / 60)} min ago`;
    if (s < 2 * DAY) return `${Math.floor(s / 3600)} h ago`;
    return `${Math.floor(s / DAY)} d ago`;
  };
  const ages = () => {
    // a clock that is behind must not make the page younger than it is
    const now = Math.max(Date.now() / 1000, data.written);
    for (const time of all("time[data-age]")) {
      const then = Date.parse(time.dateTime) / 1000;
      // what lies in the future stays as it was written
      if (then <= data.written + 60) time.textContent = age(now - then);
    }
    const hero = document.querySelector("[data-hero]");
    const newest = hero.querySelector("h1 time");
    const allowed = Number(hero.dataset.maxAge);
    const late = allowed + Number(hero.dataset.grace);
    const isStale = now - data.written > allowed;
    hero.querySelector("[data-stale]").hidden = !isStale;
    if (!newest) return;
    const old = now - Date.parse(newest.dateTime) / 1000;
    if (old > allowed) {
      hero.querySelector("[data-overdue]").hidden = false;
      hero.classList.remove("good");
      // of a stale page nobody knows what came after it
      hero.classList.toggle("bad", old > late && !isStale || hero.classList.contains("bad"));
      hero.classList.toggle("look", !hero.classList.contains("bad"));
    }
  };
  ages();
  setInterval(ages, 30000);

  // ---- series
  const rowsOf = data.tables.map((table) => {
    let last = 0;
    return table.steps.map((step) => (step === null ? null : (last += step)));
  });
  const series = (chart, chosen) => {
    const place = chart === "rows" && chosen !== "all" ? Number(chosen) : null;
    const points = [];
    data.shots.forEach(([at, rows, stored, complete], i) => {
      if (!complete) return;
      const value = place === null ? (chart === "rows" ? rows : stored) : rowsOf[place][i] ?? null;
      if (value !== null) points.push({ at, value });
    });
    const now = place === null ? data.now : data.tables[place].now;
    if (chart === "rows" && now !== null) points.push({ at: data.written, value: now, live: true });
    const limit = place !== null ? data.tables[place].max : chart === "rows" ? data.max_rows : data.max_size;
    return { points, limit };
  };

  // ---- drawing
  const svg = (name, attributes, parent, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };
  const html = (name, parent, text, kind) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    if (parent) parent.append(element);
    return element;
  };
  const niceStep = (span, base) => {
    const raw = Math.max(span / 3, 1e-9);
    const power = base ** Math.floor(Math.log(raw) / Math.log(base));
    const steps = base === 1024 ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024] : [1, 2, 2.5, 5, 10];
    return power * steps.find((step) => step * power >= raw);
  };
  const timeTicks = (from, to, room) => {
    const most = Math.max(2, Math.floor(room / 72));
    const days = (to - from) / DAY;
    if (days > 120) {
      const months = Math.max(1, Math.ceil(days / 30.4 / most));
      const ticks = [];
      const first = new Date(from * 1000);
      for (let m = 1; m < 400; m += months) {
        const at = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + m, 1) / 1000;
        if (at > to) break;
        ticks.push([at, monthOf.format(at * 1000)]);
      }
      return ticks;
    }
    const step = [1, 2, 3, 7, 14, 28].find((n) => days / n <= most) ?? 28;
    const ticks = [];
    for (let at = Math.ceil(from / DAY) * DAY; at <= to; at += step * DAY) ticks.push([at, dayOf.format(at * 1000)]);
    return ticks;
  };
  /// One value for each column of pixels is enough.
  const thinned = (points, x) => {
    const kept = [];
    let column = null;
    for (const point of points) {
      const here = Math.round(x(point.at));
      if (here === column) kept.pop();
      column = here;
      kept.push(point);
    }
    return kept;
  };

  const range = () => Number(document.querySelector("input[name=range]:checked").value);
  const chosen = () => document.getElementById("series").value;

  const draw = (figure) => {
    const chart = figure.dataset.chart;
    const plot = figure.querySelector("[data-plot]");
    const show = chart === "rows" ? count : bytes;
    const { points: every, limit } = series(chart, chosen());
    const to = data.written;
    const days = range();
    const from = days ? to - days * DAY : every.length ? Math.min(every[0].at, to - DAY) : to - DAY;
    const inside = every.filter((point) => point.at >= from && point.at <= to);
    plot.hidden = false;
    plot.replaceChildren();
    const width = plot.clientWidth || 500;
    const height = plot.clientHeight || 230;
    if (!inside.length) {
      plot.removeAttribute("role");
      plot.removeAttribute("tabindex");
      html("p", plot, "No complete snapshot in this range.", "quiet");
      return;
    }
    const values = inside.map((point) => point.value);
    let [low, high] = [Math.min(...values), Math.max(...values)];
    if (limit && limit > high && limit < high * 1.3) high = limit;
    // a line may begin above zero where it would else be flat
    let base = low > high * 0.6 ? low - (high - low) * 0.4 - low * 0.002 : 0;
    if (high <= base) high = base + 1;
    const step = chart === "rows" ? Math.max(1, niceStep(high - base, 10)) : niceStep(high - base, 1024);
    base = Math.max(0, Math.floor(base / step) * step);
    const top = Math.max(Math.ceil(high / step), base / step + 1) * step;
    const short = (value) => (chart === "rows" ? (value >= 1e5 ? compact(value) : count(value)) : bytes(value));
    const labels = [];
    for (let value = base; value <= top + step / 2; value += step) labels.push(value);
    const left = Math.max(...labels.map((value) => short(value).length)) * 6.8 + 12;
    const box = { left, right: width - 6, top: 8, bottom: height - 24 };
    const x = (at) => box.left + ((at - from) / (to - from)) * (box.right - box.left);
    const y = (value) => box.bottom - ((value - base) / (top - base)) * (box.bottom - box.top);
    const points = thinned(inside, x);

    const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" }, plot);
    for (const value of labels) {
      svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }, image);
      svg("text", { x: box.left - 8, y: y(value) + 4, "text-anchor": "end" }, image, short(value));
    }
    for (const [at, word] of timeTicks(from, to, box.right - box.left)) {
      const where = x(at);
      if (where < box.left + 14 || where > box.right - 14) continue;
      svg("text", { x: where, y: height - 5, "text-anchor": "middle" }, image, word);
    }
    // where snapshots are lacking the line has a hole
    const steps = points.slice(1).map((point, i) => point.at - points[i].at).sort((a, b) => a - b);
    const hole = Math.max(2.2 * DAY, 4 * (steps[Math.floor(steps.length / 2)] ?? 0));
    const pieces = [];
    points.forEach((point, i) => {
      if (!i || point.at - points[i - 1].at > hole) pieces.push([]);
      pieces[pieces.length - 1].push(point);
    });
    for (const piece of pieces) {
      const path = piece.map((point, i) => `${i ? "L" : "M"}${x(point.at).toFixed(1)} ${y(point.value).toFixed(1)}`).join("");
      if (piece.length === 1) {
        svg("circle", { class: "dot", cx: x(piece[0].at), cy: y(piece[0].value), r: 3 }, image);
        continue;
      }
      const end = `L${x(piece[piece.length - 1].at).toFixed(1)} ${box.bottom}L${x(piece[0].at).toFixed(1)} ${box.bottom}Z`;
      svg("path", { class: "area", d: path + end }, image);
      svg("path", { class: "line", d: path }, image);
    }
    if (limit && limit >= base && limit <= top) {
      svg("line", { class: "limit", x1: box.left, x2: box.right, y1: y(limit), y2: y(limit) }, image);
      svg("text", { class: "limit-word", x: box.right, y: y(limit) - 5, "text-anchor": "end" }, image, `limit ${show(limit)}`);
    }
    explore(figure, plot, image, points, { x, y, box, show });
  };
  const compact = (value) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);

  // ---- values: by pointer, and by keys as of a slider
  const explore = (figure, plot, image, points, { x, y, box, show }) => {
    const cross = svg("line", { class: "cross", y1: box.top, y2: box.bottom, visibility: "hidden" }, image);
    const dot = svg("circle", { class: "dot at", r: 5, visibility: "hidden" }, image);
    const tip = html("div", plot, undefined, "tip");
    tip.hidden = true;
    const value = html("b", tip);
    const date = html("span", tip);
    let here = points.length - 1;
    const word = (point) => `${moment.format(point.at * 1000)}${point.live ? ", now" : ""}`;
    const state = () => {
      plot.setAttribute("aria-valuenow", here + 1);
      plot.setAttribute("aria-valuetext", `${show(points[here].value)}, ${word(points[here])}`);
    };
    plot.setAttribute("role", "slider");
    plot.setAttribute("tabindex", "0");
    plot.setAttribute("aria-valuemin", 1);
    plot.setAttribute("aria-valuemax", points.length);
    plot.setAttribute("aria-label", `${figure.querySelector("[data-title]").textContent}, value by value`);
    state();
    const point = (place) => {
      here = Math.max(0, Math.min(points.length - 1, place));
      const at = points[here];
      const [px, py] = [x(at.at), y(at.value)];
      for (const [key, to] of [["x1", px], ["x2", px], ["visibility", "visible"]]) cross.setAttribute(key, to);
      for (const [key, to] of [["cx", px], ["cy", py], ["visibility", "visible"]]) dot.setAttribute(key, to);
      value.textContent = show(at.value);
      date.textContent = word(at);
      tip.hidden = false;
      const room = plot.clientWidth - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(room, px - tip.offsetWidth / 2))}px`;
      tip.style.top = `${py > 76 ? py - tip.offsetHeight - 12 : py + 14}px`;
      state();
    };
    const leave = () => {
      tip.hidden = true;
      cross.setAttribute("visibility", "hidden");
      dot.setAttribute("visibility", "hidden");
    };
    plot.onpointermove = plot.onpointerdown = (event) => {
      const px = event.clientX - plot.getBoundingClientRect().left;
      let nearest = 0;
      points.forEach((at, i) => {
        if (Math.abs(x(at.at) - px) < Math.abs(x(points[nearest].at) - px)) nearest = i;
      });
      point(nearest);
    };
    plot.onpointerleave = () => document.activeElement === plot || leave();
    plot.onfocus = () => plot.matches(":focus-visible") && point(here);
    plot.onblur = leave;
    plot.onkeydown = (event) => {
      const jump = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (jump) point(here + jump);
      else if (event.key === "Home") point(0);
      else if (event.key === "End") point(points.length - 1);
      else if (event.key === "Escape") leave();
      else return;
      event.preventDefault();
    };
  };

  const figures = all("[data-chart]");
  const words = figures.map((figure) => figure.querySelector("[data-words]").textContent);
  const redraw = () => {
    const place = chosen();
    figures.forEach((figure, i) => {
      if (figure.dataset.chart === "rows") {
        const name = place === "all" ? "Rows" : `Rows of ${data.tables[place].name}`;
        figure.querySelector("[data-title]").textContent = name;
        figure.querySelector("[data-words]").textContent = place === "all" ? words[i] : "";
      }
      draw(figure);
    });
  };
  for (const part of all("[data-needs-script]")) part.hidden = false;
  for (const input of all("input[name=range]")) input.addEventListener("change", redraw);
  document.getElementById("series").addEventListener("change", redraw);
  redraw();
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    redraw();
  });

  // ---- the table: a name shows its series, a head sorts, a word filters
  const body = document.querySelector(".tables tbody");
  if (body) {
    body.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-table]");
      if (!link) return;
      document.getElementById("series").value = link.dataset.table;
      redraw();
    });
    const rows = Array.from(body.rows);
    const heads = all(".tables thead th");
    heads.forEach((head, column) => {
      const kind = head.dataset.sort;
      if (!kind) return;
      const button = html("button", undefined, head.textContent);
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        // numbers begin with the largest, names and states with the first
        const first = kind === "number" && head !== heads[heads.length - 1] ? "descending" : "ascending";
        const other = first === "ascending" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const value = (row) => row.cells[column].dataset.value;
        rows.sort((a, b) => {
          const [left, right] = [value(a), value(b)];
          if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
          return sign * (kind === "number" ? left - right : left.localeCompare(right));
        });
        body.append(...rows);
      });
    });
    const found = document.querySelector("[data-found]");
    document.getElementById("find").addEventListener("input", (event) => {
      const word = event.target.value.trim().toLowerCase();
      let number = 0;
      for (const row of rows) {
        row.hidden = !row.cells[0].dataset.value.toLowerCase().includes(word);
        number += !row.hidden;
      }
      found.textContent = number === 1 ? "1 table" : `${count(number)} tables`;
    });
  }

  // ---- the calendar is one stop for the Tab key, and arrows move in it
  for (const months of all("[data-calendar]")) {
    const links = all("a", months);
    links.forEach((link, i) => (link.tabIndex = i ? -1 : 0));
    months.addEventListener("keydown", (event) => {
      const here = links.indexOf(document.activeElement);
      const jump = { ArrowLeft: -1, ArrowUp: -7, ArrowRight: 1, ArrowDown: 7 }[event.key];
      if (here < 0 || !jump) return;
      // months stand newest first, and days within them oldest first
      const date = (link) => link.closest("[data-date]").dataset.date;
      const sorted = links.slice().sort((a, b) => date(a).localeCompare(date(b)));
      const to = sorted[Math.max(0, Math.min(sorted.length - 1, sorted.indexOf(links[here]) + jump))];
      links.forEach((link) => (link.tabIndex = link === to ? 0 : -1));
      to.focus();
      event.preventDefault();
    });
  }

  // ---- details: a link opens what it leads to, and tables are listed when somebody looks
  const listed = (shot) => {
    const place = Number(shot.dataset.shot);
    const details = shot.querySelector(".details");
    if (shot.dataset.listed || !details) return;
    shot.dataset.listed = "yes";
    const rows = rowsOf.map((values, i) => [data.tables[i].name, values[place] ?? null]).filter(([, value]) => value !== null);
    if (!rows.length) return;
    html("dt", details, "Tables");
    const list = html("ul", html("dd", details), undefined, "of-tables");
    rows.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
    for (const [name, value] of rows) {
      const item = html("li", list);
      html("span", item, name);
      html("b", item, count(value));
    }
  };
  for (const shot of all(".shot")) shot.addEventListener("toggle", () => shot.open && listed(shot));
  const reveal = () => {
    const target = location.hash.startsWith("#s-") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let each = target; each; each = each.parentElement.closest("details")) each.open = true;
    target.scrollIntoView({ block: "center" });
    target.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", reveal);
  // the same link once more changes nothing that would be told
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#s-']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();

  // ---- on paper nothing is folded
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open]):not(.shot)");
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
  });
})();
