// Sheets of any format to rows and back: n8n's options on SheetJS.
// value: {read: {data, raw, sheet, header, empties, range}} -> rows, or {write: {rows, format, ...}} -> base64.
const { utils } = lib;

const flat = (item) => {
  const cells = {};
  const walk = (each, path) => {
    for (const key of Object.keys(each)) {
      const name = path === null ? key : `${path}.${key}`;
      if (each[key] !== null && typeof each[key] === 'object') walk(each[key], name);
      else cells[name] = each[key];
    }
  };
  walk(item, null);
  return cells;
};

const read = ({ data, raw, sheet, header, empties, range }) => {
  const book = lib.read(data, { type: 'base64', raw });
  if (book.SheetNames.length === 0) return { error: 'Spreadsheet does not have any sheets!' };
  if (sheet && !book.SheetNames.includes(sheet)) return { error: `Spreadsheet does not contain sheet called "${sheet}"!` };
  const making = {};
  if (range !== null) making.range = range;
  if (empties) making.defval = '';
  if (!header) making.header = 1;
  return { rows: utils.sheet_to_json(book.Sheets[sheet || book.SheetNames[0]], making) };
};

const write = ({ rows, format, header, delimiter, sheet, compression }) => {
  const cells = utils.json_to_sheet(rows.map(flat), { skipHeader: !header });
  const book = { SheetNames: [sheet], Sheets: { [sheet]: cells } };
  const writing = { type: 'base64', bookType: format, bookSST: false, compression };
  if (delimiter) writing.FS = delimiter;
  return { data: lib.write(book, writing) };
};

return value.read ? read(value.read) : write(value.write);
