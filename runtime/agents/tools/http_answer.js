// What the HTTP Request Tool takes out of HTML.
// value: {html, selector, plain, skip}; without a selector the answer is the text of the whole, else one text per element.
const { parse5, select, text } = lib;
const adapter = lib.adapter.adapter;
const inner = (node) => parse5.serialize(node, { treeAdapter: adapter });
if (value.selector === null) return text.convert(String(value.html));
const root = parse5.parse(String(value.html), { treeAdapter: adapter });
const selectors = value.skip.map((selector) => ({ selector, format: 'skip' }));
return select.select(value.selector, root).map((node) => (value.plain ? text.convert(inner(node), { selectors }) : inner(node).trim()));
