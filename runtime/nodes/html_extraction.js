// What the HTML nodes take out of a document: cheerio's behaviour on its own parts (parse5, cheerio-select).
// value: {html, extractions: [{selector, as, attribute, skip}], rich}; the answer is one entry per extraction: {first, all}.
const { parse5, select, text } = lib;
const adapter = lib.adapter.adapter;
const root = parse5.parse(String(value.html), { treeAdapter: adapter });

const textOf = (node) => {
  if (node.type === 'text') return node.data;
  return node.type === 'comment' || !node.children ? '' : node.children.map(textOf).join('');
};
const inner = (node) => parse5.serialize(node, { treeAdapter: adapter });
const options = (node) => (node.children ?? []).flatMap((each) => (each.name === 'option' ? [each] : options(each)));
const optionValue = (node) => node.attribs.value ?? textOf(node);
const valueOf = (node) => {
  if (node.name === 'textarea') return textOf(node);
  if (node.name === 'option') return optionValue(node);
  if (node.name !== 'select') return node.attribs.value;
  const chosen = options(node).filter((each) => 'selected' in each.attribs);
  if ('multiple' in node.attribs) return chosen.map(optionValue);
  return chosen.length ? optionValue(chosen[0]) : options(node).slice(0, 1).map(optionValue)[0];
};
const plain = (node, skip) => {
  if (skip === null) throw new TypeError('_valueData.skipSelectors.split is not a function');
  return text.convert(inner(node), { selectors: skip.map((selector) => ({ selector, format: 'skip' })) });
};

const read = {
  attribute: (node, { attribute }) => (attribute === '' ? { ...node.attribs } : node.attribs[attribute]),
  html: (node) => inner(node) || undefined,
  text: (node, { skip }) => (value.rich ? plain(node, skip) : textOf(node)),
  value: valueOf,
};
const HTML = /^\s*(?:<[\w\W]+>)[^>]*$/;
// A selector that is a piece of HTML is that piece, as cheerio has it.
const find = (selector) => {
  if (!selector || selector.length === 0) return [];
  if (typeof selector !== 'string') throw new TypeError('Unexpected type of selector');
  if (!HTML.test(selector)) return select.select(selector, root);
  return parse5.parseFragment(selector, { treeAdapter: adapter }).children;
};
return value.extractions.map((extraction) => {
  const elements = find(extraction.selector);
  if ((elements.length || !extraction.list) && !Object.hasOwn(read, extraction.as)) {
    throw new TypeError('extractFunctions[valueData.returnValue] is not a function');
  }
  const all = elements.map((node) => read[extraction.as](node, extraction));
  const joined = extraction.as === 'text' && !value.rich ? all.join('') : extraction.as === 'text' && !all.length ? '' : all[0];
  return { first: joined, all };
});
