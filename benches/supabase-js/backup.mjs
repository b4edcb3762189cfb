// What people write today to back up a table over the API: pages of 1000 rows by `.range()`, without an
// order, into a JSON file and a file of INSERT statements. Kinder to itself than most: it writes page by
// page instead of keeping all rows in memory, so that a large table does not end it.
//
//     node backup.mjs TABLE DIRECTORY SECONDS
//
// Stops after so many seconds. Prints how many rows it read.

import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { createClient } from "@supabase/supabase-js";

const PAGE = 1000;
const [table, directory, seconds] = process.argv.slice(2);
const supabase = createClient(process.env.SUPABASE_URL, process.env.SUPABASE_SECRET_KEY, {
  auth: { persistSession: false },
  realtime: { transport: class {} }, // not used, but without one Node.js before 22 is refused
});

function literal(value) {
  if (value === null) return "NULL";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "object" ? JSON.stringify(value) : value;
  return `'${text.replaceAll("'", "''")}'`;
}

function insert(row) {
  const columns = Object.keys(row).map((name) => `"${name}"`);
  return `INSERT INTO "${table}" (${columns.join(", ")}) VALUES (${Object.values(row).map(literal).join(", ")});\n`;
}

async function write(stream, text) {
  if (!stream.write(text)) await once(stream, "drain");
}

const json = createWriteStream(`${directory}/${table}.json`);
const sql = createWriteStream(`${directory}/${table}.sql`);
const end = performance.now() + Number(seconds) * 1000;
let read = 0;
while (performance.now() < end) {
  const { data, error } = await supabase.from(table).select("*").range(read, read + PAGE - 1);
  if (error) throw new Error(`${error.code}: ${error.message}`);
  const separator = (i) => (read + i === 0 ? "[\n" : ",\n");
  await write(json, data.map((row, i) => separator(i) + JSON.stringify(row)).join(""));
  await write(sql, data.map(insert).join(""));
  read += data.length;
  if (data.length < PAGE) break;
}
json.end("\n]\n");
sql.end();
await Promise.all([finished(json), finished(sql)]);
console.log(read);
