// What people write today to back up a table over the API: pages of 1000 rows by `.range()`, without an
// order, into a JSON file and a file of INSERT statements.
//
//     node backup.mjs collect TABLE DIRECTORY SECONDS    all rows in memory, then the files: the usual script
//     node backup.mjs stream TABLE DIRECTORY SECONDS     page by page: the kinder one, which survives large tables
//
// Stops after so many seconds. Prints how many rows it read.

import { once } from "node:events";
import { createWriteStream, writeFileSync } from "node:fs";
import { finished } from "node:stream/promises";
import { createClient } from "@supabase/supabase-js";

const PAGE = 1000;
const [how, table, directory, seconds] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1000;
const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SECRET_KEY, {
  auth: { persistSession: false },
  realtime: { transport: class {} }, // not used, but without one Node.js before 22 is refused
});

async function* pages() {
  for (let from = 0; performance.now() < end; from += PAGE) {
    const { data, error } = await supabase.from(table).select("*").range(from, from + PAGE - 1);
    if (error) throw new Error(`${error.code}: ${error.message}`);
    yield data;
    if (data.length < PAGE) return;
  }
}

function literal(value) {
  if (value === null) return "NULL";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "object" ? JSON.stringify(value) : value;
  return `'${text.replaceAll("'", "''")}'`;
}

function insert(row) {
  const columns = Object.keys(row).map((name) => `"${name}"`);
  return `INSERT INTO "${table}" (${columns.join(", ")}) VALUES (${Object.values(row).map(literal).join(", ")});`;
}

async function collect() {
  const rows = [];
  for await (const page of pages()) rows.push(...page);
  writeFileSync(`${directory}/${table}.json`, JSON.stringify(rows, null, 2));
  writeFileSync(`${directory}/${table}.sql`, rows.map(insert).join("\n"));
  return rows.length;
}

async function stream() {
  const files = ["json", "sql"].map((kind) => createWriteStream(`${directory}/${table}.${kind}`));
  const write = async (file, text) => file.write(text) || once(file, "drain");
  let read = 0;
  for await (const page of pages()) {
    if (page.length > 0) {
      await write(files[0], (read === 0 ? "[\n" : ",\n") + page.map((row) => JSON.stringify(row)).join(",\n"));
      await write(files[1], page.map((row) => insert(row) + "\n").join(""));
    }
    read += page.length;
  }
  files[0].write("\n]\n");
  await Promise.all(files.map((file) => finished(file.end())));
  return read;
}

console.log(await { collect, stream }[how]());
