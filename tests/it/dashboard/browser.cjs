// Opens a page in a real Chromium, does what a person would, and prints what came of it as JSON. It judges nothing.
//   node browser.cjs MODULES FILE STORY
"use strict";
const { execSync } = require("node:child_process");
const { mkdtempSync, readFileSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const [modules, file, story] = process.argv.slice(2);
const { chromium } = require(join(modules, "playwright-core"));
const axe = readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8");
const address = pathToFileURL(file).href;
const program = execSync("command -v chromium || command -v google-chrome || command -v google-chrome-stable", {
  encoding: "utf8",
}).trim();

// nothing of the browser itself speaks to the network either
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

/// A window in which everything that must not happen is written down.
const open = async (browser, { scheme = "light", viewport = WIDE, now, before } = {}) => {
  const context = await browser.newContext({ colorScheme: scheme, viewport, deviceScaleFactor: 1 });
  const page = await context.newPage();
  const bad = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && bad.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => bad.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => bad.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) bad.push(`request: ${request.url()}`);
  });
  if (now) await page.clock.setFixedTime(new Date(now));
  const prepared = before && (await before(page, context));
  await page.goto(address, { waitUntil: "load" });
  return { page, bad, prepared, close: () => context.close() };
};

const stories = {
  /// What is there, in light and dark, wide and on a phone.
  async look(browser) {
    const seen = [];
    for (const scheme of ["light", "dark"]) {
      for (const viewport of [WIDE, PHONE]) {
        const { page, bad, close } = await open(browser, { scheme, viewport });
        // what is folded is judged too
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
        await page.waitForTimeout(200);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        seen.push({
          scheme,
          width: viewport.width,
          bad,
          violations: violations.map((each) => `${each.id}: ${each.nodes.slice(0, 3).map((node) => node.html).join(" ")}`),
          lines: await page.locator("figure .line").count(),
          sparks: await page.locator(".spark path").count(),
          overflow: await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
          hostile: await page.evaluate(() => Object.keys(window).filter((key) => key.startsWith("hostile"))),
          text: await page.evaluate(() => document.body.innerText),
          scripts: await page.locator("script").count(),
          images: await page.locator("img, iframe, object, embed, link:not([rel=icon])").count(),
        });
        await close();
      }
    }
    return seen;
  },

  /// Range, values, tables, calendar and details, by mouse and by keys.
  async use(browser) {
    const { page, bad, close } = await open(browser);
    const found = { bad };
    const plot = page.locator("figure[data-chart=rows] [data-plot]");
    const points = async () => Number(await plot.getAttribute("aria-valuemax"));
    const told = () => plot.getAttribute("aria-valuetext");
    const tip = page.locator("figure[data-chart=rows] .tip");
    const range = (days) => page.locator(`.range label:has(input[value="${days}"])`);

    found.points = { month: await points() };
    await range(7).click();
    found.points.week = await points();
    await page.locator("input[name=range]:checked").focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowRight");
    found.points.all = await points();
    found.range = await page.locator("input[name=range]:checked").getAttribute("value");

    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width - 8, box.y + box.height / 2);
    found.hover = { last: await tip.innerText(), shown: await tip.isVisible() };
    await page.mouse.move(box.x + 90, box.y + box.height / 2);
    found.hover.early = await tip.innerText();
    await page.mouse.move(5, 5);
    found.hover.gone = !(await tip.isVisible());

    await page.locator("#series").focus();
    await page.keyboard.press("Tab");
    found.focus = await page.evaluate(() => document.activeElement.getAttribute("role"));
    await page.keyboard.press("End");
    found.keys = { end: await told(), shown: await tip.innerText() };
    await page.keyboard.press("ArrowLeft");
    found.keys.before = await told();
    await page.keyboard.press("Home");
    found.keys.home = await told();
    await page.keyboard.press("Escape");
    found.keys.gone = !(await tip.isVisible());

    await page.locator(".tables a[data-table]").first().click();
    found.series = await page.locator("figure[data-chart=rows] [data-title]").innerText();

    const names = () => page.locator(".tables tbody tr:visible th").allInnerTexts();
    found.names = { first: await names() };
    await page.locator(".tables thead button", { hasText: "Rows" }).click();
    found.names.rows = await names();
    found.sort = await page.locator(".tables thead [aria-sort]").getAttribute("aria-sort");
    await page.locator(".tables thead button", { hasText: "Rows" }).press("Enter");
    found.names.least = await names();
    await page.locator("#find").fill("orders");
    found.names.found = await names();
    found.status = await page.locator("[data-found]").innerText();

    const stops = page.locator("[data-calendar] a[tabindex='0']");
    found.stops = await stops.count();
    await stops.first().focus();
    const day = () => page.evaluate(() => document.activeElement.closest("[data-date]")?.dataset.date);
    found.days = [await day()];
    for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
      await page.keyboard.press(key);
      found.days.push(await day());
    }
    const target = await page.evaluate(() => document.activeElement.hash);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.tagName === "SUMMARY");
    found.opened = await page.evaluate((hash) => {
      const shot = document.getElementById(hash.slice(1));
      return { open: shot.open, focused: shot.contains(document.activeElement), text: shot.innerText };
    }, target);
    await page.waitForSelector(".shot[open] .of-tables");
    found.opened.tables = await page.locator(".shot[open] .of-tables li").allInnerTexts();
    await close();
    return found;
  },

  /// The same page looked at later.
  async later(browser) {
    const seen = [];
    const { page, close } = await open(browser);
    const written = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).written);
    await close();
    for (const hours of [0, 20, 26, 100]) {
      const { page, bad, close } = await open(browser, { now: (written + hours * 3600) * 1000 });
      seen.push({
        bad,
        head: await page.locator("h1").innerText(),
        kind: await page.locator("[data-hero]").getAttribute("class"),
        stale: await page.locator("[data-stale]").isVisible(),
        overdue: await page.locator("[data-overdue]").isVisible(),
      });
      await close();
    }
    return seen;
  },

  /// On paper, and without scripts.
  async plain(browser) {
    const { page, bad, close } = await open(browser);
    const pdf = await page.pdf({ format: "A4" });
    const found = { bad, pdf: pdf.length, pages: (pdf.toString("latin1").match(/\/Type \/Page\b/g) ?? []).length };
    await page.emulateMedia({ media: "print" });
    found.nav = await page.locator("nav").isVisible();
    await close();
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: WIDE });
    const mute = await context.newPage();
    await mute.goto(address);
    found.text = await mute.locator("body").innerText();
    found.controls = await mute.locator(".controls:visible").count();
    await context.close();
    return found;
  },

  /// What it takes until everything is drawn, a few times, and how much it is. The work is that of the page's own
  /// thread: a machine that is busy with other things does not change it.
  async load(browser) {
    const seconds = [];
    const waited = [];
    let found;
    const before = async (page, context) => {
      const session = await context.newCDPSession(page);
      await session.send("Performance.enable", { timeDomain: "threadTicks" });
      return session;
    };
    for (let i = 0; i < 5; i++) {
      const { page, bad, prepared, close } = await open(browser, { before });
      const { metrics } = await prepared.send("Performance.getMetrics");
      seconds.push(metrics.find((each) => each.name === "TaskDuration").value);
      found = await page.evaluate(() => ({
        waited: performance.getEntriesByType("navigation")[0].loadEventEnd,
        elements: document.querySelectorAll("*").length,
        sparks: document.querySelectorAll(".spark path").length,
        shots: document.querySelectorAll(".shot").length,
        lines: document.querySelectorAll("figure .line").length,
      }));
      found.bad = bad;
      waited.push(found.waited);
      await close();
    }
    return { ...found, seconds, waited };
  },

  /// Pictures for a person, beside the file: `browser.cjs MODULES FILE pictures`.
  async pictures(browser) {
    const first = await open(browser);
    const now = await first.page.evaluate(() => JSON.parse(document.getElementById("data").textContent).written * 1000);
    await first.close();
    for (const scheme of ["light", "dark"]) {
      for (const viewport of [WIDE, PHONE]) {
        const { page, close } = await open(browser, { scheme, viewport, now });
        await page.screenshot({ path: `${file}.${scheme}-${viewport.width}.png`, fullPage: true });
        await close();
      }
    }
    return {};
  },
};

(async () => {
  const profile = mkdtempSync(join(tmpdir(), "supabackup-browser-"));
  const browser = await chromium.launch({ executablePath: program, args: FLAGS, env: { ...process.env, HOME: profile } });
  try {
    process.stdout.write(JSON.stringify(await stories[story](browser)));
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
