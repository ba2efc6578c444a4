// A query of an author over the items of each input, as the tables input1, input2, ...
// value: {query, inputs, parameters, pairs} -> {rows, paired}. `paired` says where rows come from; null: from every item.
const PAIR = 'pairedItem';
const ADDED = 'pairedItem\u0000';
const INPUT = /^input\d+$/;

const closed = () => {
  throw new Error('A query has no access to files and to the network');
};
for (const name of ['loadFile', 'loadBinaryFile', 'saveFile', 'fileExists', 'deleteFile']) lib.utils[name] = closed;
for (const name of Object.keys(lib.from)) if (name !== 'RANGE') lib.from[name] = closed;
for (const name of Object.keys(lib.into)) lib.into[name] = closed;

const database = () => {
  const made = new lib.Database();
  value.inputs.forEach((rows, i) => {
    const name = `input${i + 1}`;
    made.exec(`CREATE TABLE ${name}`);
    made.tables[name].data = rows.map((row, item) => (value.pairs ? { ...row, [PAIR]: i ? { item, input: i } : { item } } : { ...row }));
  });
  return made;
};

const { yy } = lib;
const has = (node, found) =>
  node !== null && typeof node === 'object' && (found(node) || Object.values(node).some((each) => has(each, found)));
const tables = (select) => [...select.from, ...(select.joins ?? [])];

// Whether the items that a row comes from can be told: plain SELECTs from inputs under their own names.
const traceable = (statement) =>
  statement instanceof yy.Select && statement.from &&
  !['union', 'unionall', 'except', 'intersect', 'corresponding', 'withs'].some((name) => statement[name]) &&
  tables(statement).every((each) => INPUT.test(each.tableid ?? each.table?.tableid ?? '') && (!each.as || each.as === (each.tableid ?? each.table?.tableid))) &&
  !Object.values(statement).some((part) => has(part, (each) => each instanceof yy.Select));

const grouped = (select) => select.group || has(select.columns, (each) => each instanceof yy.AggrValue);

// Adds the pair of each table to the columns; `*` has it already.
const trace = (select) => {
  if (grouped(select) || select.columns.some((each) => each.columnid === '*' && !each.tableid)) return;
  tables(select).forEach((each, i) => {
    const tableid = each.tableid ?? each.table.tableid;
    select.columns.push(new yy.Column({ columnid: PAIR, tableid, as: `${ADDED}${i}` }));
  });
};

const flat = (result) => [...result].flatMap((each) => (Array.isArray(each) ? each : [each]));
const run = () => {
  const made = database();
  const { statements } = value.pairs ? lib.parse(value.query) : { statements: [] };
  const parts = statements.filter(Boolean);
  if (parts.length !== 1 || !traceable(parts[0])) return { rows: flat(made.exec(value.query, value.parameters)), traced: false };
  trace(parts[0]);
  return { rows: flat(parts[0].compile(made.databaseid)(value.parameters)), traced: true };
};

const { rows, traced } = run();
const objects = rows.filter((row) => row !== null && typeof row === 'object' && !Array.isArray(row));
const paired = objects.map((row) => {
  const names = Object.keys(row).filter((name) => name.startsWith(ADDED) || name === PAIR);
  const pairs = names.sort((a, b) => (a === PAIR) - (b === PAIR)).map((name) => row[name]);
  if (value.pairs) for (const name of names) delete row[name];
  return pairs.filter((pair) => pair !== undefined && pair !== null);
});
return { rows: objects, paired: traced ? paired : null };
