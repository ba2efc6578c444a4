// What n8n's expressions and Code nodes can see, built from a snapshot: plain JSON made by `snapshot()` in Python.
//
// Needs the globals `luxon`, `jmespath` and `__extend` (extensions.js); load those first, this file last.
//
//   __buildScope(snapshot, itemIndex, mode)   the variables of one item
//   __openScope(snapshot, mode, evaluate)     (itemIndex, apart) => the variables; shares the preparation between items.
//                                             `apart`: over copies of the data, for a script that writes into it.
//                                             `evaluate(index, scope)`: the value of a program of the snapshot
//   __scopeNames                              every n8n variable: `$json`, `$input`, `$`, `$node`, ... and, in mode
//                                             'code', `items`, `item`, `$getWorkflowStaticData`
//   __ExpressionError                         what n8n raises; carries `message` and maybe `description`
//
// mode 'expression': missing data raises n8n's errors. mode 'code': `$json` and `$binary` of an item that is not there
// are undefined, and `$input.item`, `items`, `item` and `$getWorkflowStaticData(type)` exist.
//
// A scope has no prototype but the one that holds its getters, so `scope.anything` that is not there is undefined.
// The Code host hands over names and values: `new Function(...__scopeNames, code)(...__scopeNames.map((n) => scope[n]))`
// in 'runOnceForAllItems' with itemIndex 0, in 'runOnceForEachItem' once per item.
//
// snapshot: {
//   now: milliseconds, zone: IANA name,
//   workflow: {id, name, active}, execution: {id, mode: 'test'|'production', resumeUrl, resumeFormUrl, customData},
//   mode: 'manual'|'trigger'|'webhook'|..., vars: {}, staticData: {global: {}, 'node:<name>': {}},
//   arguments: {} | null (what the model gave a tool), paged: {$pageCount, $request, $response} | null,
//   step: {name, id, version, webhookId, parameters}, runIndex, source: [{previousNode, ...} | null],
//   items: [item] (the effective input), names: [every node name],
//   sources: {name: [[source] per run]}, for `$getPairedItem` alone,
//   nodes: {name: {shown: {parameter: {value} | {error} | {program}}, parameters, context, branch, leads (it is an ancestor), pinned: items, of a node that has not run in a manual run, runs: [[items | {length, first, last} | null per output] per run]}},
//   pairs: {name: [{item} | {at: [run, output, index]} | {error: {message, description}} per input item]},
// }
// After a run, `snapshot.execution.customData` and `snapshot.staticData` hold what the code changed.
'use strict';

(() => {
  const { DateTime, Duration, Interval, Settings } = globalThis.luxon;
  const search = globalThis.jmespath.search;
  const own = Object.prototype.hasOwnProperty;
  const has = (object, key) => object !== null && object !== undefined && own.call(object, key);

  class ExpressionError extends Error {
    constructor(message, description) {
      super(message);
      this.description = description;
    }
  }
  Object.defineProperty(ExpressionError.prototype, 'name', { value: 'ExpressionError', writable: true });

  const fail = (message, description) => {
    throw new ExpressionError(message, description);
  };

  // --- items ------------------------------------------------------------------------------------------------------

  // An output is a list of items, or its ends only when the script reads no more than those.
  const lengthOf = (output) => (output ? output.length : 0);
  const firstOf = (output) => (Array.isArray(output) ? output[0] : output.first);
  const lastOf = (output) => (Array.isArray(output) ? output[output.length - 1] : output.last);

  // n8n shows a file's facts in `$binary`, never its bytes.
  const withoutBytes = (binary) => {
    const shown = {};
    for (const name of Object.keys(binary ?? {})) {
      const { data: _bytes, ...facts } = binary[name];
      shown[name] = facts;
    }
    return shown;
  };

  const copyOf = (value) => JSON.parse(JSON.stringify(value));
  // With members that are undefined, which JSON drops.
  const exactCopyOf = (value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(exactCopyOf);
    const copy = {};
    for (const name of Object.keys(value)) {
      Object.defineProperty(copy, name, { value: exactCopyOf(value[name]), writable: true, enumerable: true, configurable: true });
    }
    return copy;
  };

  // --- the preparation of one snapshot ------------------------------------------------------------------------------

  class Data {
    constructor(snapshot, mode, evaluate) {
      this.snapshot = snapshot;
      this.mode = mode;
      this.evaluate = evaluate;
      this.lenient = mode === 'code';
      this.names = new Set(snapshot.names);
      this.copies = null;
    }

    // The same data for a script that writes into it: what it reads are copies that nobody else sees.
    apart() {
      const data = Object.create(this);
      data.copies = new Map();
      return data;
    }

    own(value) {
      if (this.copies === null || typeof value !== 'object' || value === null) return value;
      if (!this.copies.has(value)) this.copies.set(value, Array.isArray(value) ? value.map((each) => this.own(each)) : (this.snapshot.undefined ? exactCopyOf : copyOf)(value));
      return this.copies.get(value);
    }

    node(name) {
      if (!this.names.has(name)) fail("Referenced node doesn't exist");
      return this.snapshot.nodes[name] ?? { parameters: {}, context: {}, branch: 0, leads: false, runs: [] };
    }

    // The output of a node: the latest run unless one is named, and the branch that leads here unless one is named.
    output(name, branch, run) {
      const node = this.node(name);
      if (node.runs.length === 0 && node.pinned) return this.own(node.pinned);
      if (node.runs.length === 0) fail(`Node '${name}' hasn't been executed`);
      const index = run === undefined || run === null ? node.runs.length - 1 : run;
      const outputs = node.runs[index];
      if (outputs === undefined && node.runs.forgets && index >= 0 && index < node.runs.length) {
        fail(`Run ${index} of node "${name}" is no longer kept`); // a fault of ours: the compiler did not see this reader
      }
      if (outputs === undefined) fail(`Run ${index} of node "${name}" not found`);
      const which = branch === undefined || branch === null ? node.branch : branch;
      if (which >= outputs.length) fail(`Node "${name}" has no branch with index ${which}.`);
      return this.ends(outputs[which] ?? []);
    }

    ends(output) {
      if (Array.isArray(output)) return this.own(output);
      return { length: output.length, first: this.own(output.first), last: this.own(output.last) };
    }

    pair(name, index, method = 'item') {
      this.node(name);
      const pairs = this.snapshot.pairs[name];
      const pair = pairs?.[index];
      if (pair === undefined) {
        fail(
          'Can’t get data for expression',
          `Some intermediate nodes between ‘<strong>${name}</strong>‘ and  ‘<strong>${this.snapshot.step.name}</strong>‘ have not executed yet.`,
        );
      }
      if (pair.error) fail(pair.error.message.replace(/^(Paired item data for|Using the) item /, `$1 ${method} `), pair.error.description);
      if (pair.item) return this.own(pair.item);
      if (!pair.at) return undefined; // the trail ends at the start
      const [run, output, at] = pair.at;
      return this.own(this.snapshot.nodes[name].runs[run][output][at]);
    }

    item(index) {
      const { items, step } = this.snapshot;
      if (index < items.length) return this.own(items[index]);
      if (this.lenient) return undefined;
      if (items.length === 0) fail(`Node '${step.name}' hasn't been executed`);
      return fail(`"${step.name}" node has ${items.length} item(s) but you're trying to access item ${index}`);
    }
  }

  // --- what the variables give ---------------------------------------------------------------------------------------

  const hidden = (object, members) => {
    const described = Object.getOwnPropertyDescriptors(members);
    for (const key of Object.keys(described)) described[key].enumerable = false;
    return Object.defineProperties(object, described);
  };

  const isIndex = (value) => value === undefined || (Number.isInteger(value) && value >= 0);
  // n8n's engine fails where an index is not a number that can be one, so that the expression is undefined.
  const indexed = (...values) => {
    if (!values.every(isIndex)) throw new TypeError('not an index');
  };

  // `$('Node')`. Classes with private fields: a script sees no member that it could list.
  class NodeReader {
    #data;
    #name;
    #index;

    constructor(data, name, index) {
      this.#data = data;
      this.#name = name;
      this.#index = index;
    }

    #output(branch, run) {
      indexed(branch, run);
      return this.#data.output(this.#name, branch, run);
    }

    first(branch, run) {
      const output = this.#output(branch, run);
      return lengthOf(output) ? firstOf(output) : undefined;
    }

    last(branch, run) {
      const output = this.#output(branch, run);
      return lengthOf(output) ? lastOf(output) : undefined;
    }

    all(branch, run) {
      return this.#output(branch, run);
    }

    get item() {
      return this.#data.pair(this.#name, this.#index);
    }

    pairedItem(index) {
      indexed(index);
      return this.#data.pair(this.#name, index ?? this.#index, 'pairedItem');
    }

    itemMatching(index) {
      if (index === undefined) fail('Missing item index for .itemMatching()', "e.g. $('<node>').itemMatching(0)");
      indexed(index);
      return this.#data.pair(this.#name, index, 'itemMatching');
    }

    get isExecuted() {
      return this.#data.node(this.#name).runs.length > 0;
    }

    get params() {
      return this.#data.node(this.#name).parameters;
    }

    get context() {
      return this.#data.node(this.#name).context;
    }
  }

  // `$('Nope')` and `$(5)`: an object, until something of it is read or called.
  const missing = Object.freeze(() => fail("Referenced node doesn't exist"));
  const missingAt = Object.freeze((branch, run) => {
    indexed(branch, run);
    return missing();
  });
  const unnamed = Object.freeze(() => {
    throw new TypeError('not text');
  });
  const BY_INDEX = new Set(['all', 'itemMatching', 'pairedItem']); // these look at what they are given first
  const METHODS = new Set(['all', 'first', 'itemMatching', 'last', 'pairedItem']);
  const missingNode = (named) =>
    new Proxy(Object.freeze({}), {
      get(target, key) {
        if (typeof key !== 'string' || key.startsWith('isLuxon') || (key in target && key !== 'toJSON')) return target[key];
        const answer = named || !['all', 'item', 'itemMatching', 'pairedItem'].includes(key) ? missing : unnamed;
        if (answer === missing && BY_INDEX.has(key)) return missingAt;
        return METHODS.has(key) ? answer : answer();
      },
    });

  // `$(undefined)`: what n8n tells of it is of the node before.
  class UnnamedReader {
    #data;

    constructor(data) {
      this.#data = data;
    }

    #before() {
      return this.#data.node(this.#data.snapshot.source[0]?.previousNode ?? fail('Can’t get data for expression'));
    }

    get isExecuted() {
      return this.#before().runs.length > 0;
    }

    get params() {
      return this.#before().parameters;
    }

    get context() {
      return this.#before().context;
    }

    get item() {
      return unnamed();
    }
  }
  for (const name of METHODS) UnnamedReader.prototype[name] = unnamed;

  // `$input`.
  class InputReader {
    #data;
    #index;

    constructor(data, index) {
      this.#data = data;
      this.#index = index;
    }

    #previous() {
      return this.#data.node(this.#data.snapshot.source[0]?.previousNode ?? fail('Can’t get data for expression'));
    }

    first() {
      return this.#data.own(this.#data.snapshot.items[0]);
    }

    last() {
      const { items } = this.#data.snapshot;
      return this.#data.own(items[items.length - 1]);
    }

    all() {
      return this.#data.own(this.#data.snapshot.items);
    }

    get item() {
      return this.#data.item(this.#index);
    }

    get params() {
      return this.#previous().parameters;
    }

    get context() {
      return this.#previous().context;
    }
  }

  // `$node["X"].parameter`: an expression at the top is evaluated as if it stood where it is read.
  const shownParameters = (data, node, itemIndex) => {
    if (!node.shown) return node.parameters;
    const parameters = { ...node.parameters };
    for (const name of Object.keys(node.shown)) {
      const { error, program, value } = node.shown[name];
      const get = () => {
        if (error) fail(...error);
        return program === undefined ? value : data.evaluate(program, scopeOf(data, itemIndex));
      };
      Object.defineProperty(parameters, name, { get, enumerable: true });
    }
    return parameters;
  };

  // `$getPairedItem`: the item of a node from which one of another node stems, first found.
  const pairedItem = (data, name, source, paired) => {
    if (typeof source?.previousNode !== 'string' || !Number.isInteger(paired?.item)) return undefined;
    const { previousNode: node, previousNodeRun: run = 0, previousNodeOutput: output = 0 } = source;
    const items = data.snapshot.nodes[node]?.runs[run]?.[output] ?? fail('Can’t get data for expression');
    const item = items[paired.item];
    if (node === name) {
      return item ?? fail(`Paired item data for $getPairedItem from node '${name}' is unavailable. Ensure '${name}' is providing the required output.`);
    }
    const sources = data.snapshot.sources[node][run];
    for (const each of [item?.pairedItem].flat()) {
      const origin = typeof each === 'number' ? { item: each } : each;
      const found = pairedItem(data, name, origin?.sourceOverwrite ?? sources[origin?.input ?? 0], origin);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  // `$node["X"]`: the item of the node's latest run at the same position as the current one.
  const legacyNode = (data, name, itemIndex) => {
    const node = data.node(name);
    const item = () => {
      if (node.runs.length > 0 && !node.leads) fail(`connect "${data.snapshot.step.name}" to "${name}"`);
      const output = data.output(name);
      const found = output[itemIndex];
      if (found === undefined && !data.lenient) {
        if (output.length === 0) fail(`Node '${name}' hasn't been executed`);
        fail(`"${name}" node has ${output.length} item(s) but you're trying to access item ${itemIndex}`);
      }
      return found;
    };
    const shown = {
      get binary() {
        return withoutBytes(item()?.binary);
      },
      get data() {
        return item()?.json;
      },
      get json() {
        return item()?.json;
      },
    };
    const members = { context: node.context, runIndex: node.runs.length - 1 };
    Object.defineProperty(members, 'parameter', { get: () => shownParameters(data, node, itemIndex), enumerable: true, configurable: true });
    return hidden(shown, members);
  };

  // An object that answers any name, for names that JavaScript itself does not ask for.
  const answering = (answer) =>
    new Proxy(Object.freeze({}), {
      get: (target, name) => (typeof name === 'symbol' || ASKED.test(name) ? target[name] : answer(name)),
      has: () => false,
    });
  const ASKED = /^(?:toJSON|toString|valueOf|isLuxon\w+)$/;

  const denied = answering(() => fail('access to env vars denied'));

  const CUSTOM = { keys: 10, key: 50, value: 512 };

  const customData = (kept) => {
    const set = (key, value) => {
      if (typeof key !== 'string') fail(`Custom data key should be a string (key "${key}")`);
      if (key.replace(/[A-Za-z0-9_]/g, '') !== '') fail(`Custom data key can only contain characters "A-Za-z0-9_" (key "${key}")`);
      if (value !== undefined && value !== null && !['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
        fail(`Custom data values should be strings or numbers (key "${key}")`);
      }
      const short = key.slice(0, CUSTOM.key);
      if (Object.keys(kept).length >= CUSTOM.keys && !has(kept, short)) return;
      kept[short] = String(value).slice(0, CUSTOM.value);
    };
    return hidden({}, {
      set,
      setAll: (values) => Object.keys(values).forEach((key) => set(key, values[key])),
      get: (key) => (has(kept, key) ? kept[key] : undefined),
      getAll: () => ({ ...kept }),
    });
  };

  const AI_KEY = /^[a-zA-Z0-9_-]{0,64}$/;

  // What a model gave a tool; outside a tool the first input item stands for it.
  const fromAI = (data) => (key, description, _type, fallback) => {
    if (!key || key === '') fail("Add a key, e.g. $fromAI('placeholder_name')");
    if (typeof key !== 'string' || !['string', 'undefined'].includes(typeof description)) throw new TypeError('not text');
    if (!AI_KEY.test(key)) {
      fail(
        'Invalid parameter key, must be between 1 and 64 characters long and only contain lowercase letters, uppercase letters, numbers, underscores, and hyphens',
      );
    }
    const given = data.snapshot.arguments ?? data.item(0)?.json;
    return (has(given?.query, key) ? given.query[key] : undefined) ?? (has(given, key) ? given[key] : undefined) ?? fallback;
  };

  const jmespathOf = (value, query) => {
    if (typeof value !== 'object' || typeof query !== 'string') {
      fail('expected two arguments (Object, string) for this function');
    }
    return search(value, query);
  };

  // --- the functions that n8n adds ------------------------------------------------------------------------------------

  function ifEmpty(value, fallback) {
    if (arguments.length !== 2) fail('expected two arguments (value, defaultValue) for this function');
    if (value === undefined || value === null || value === '') return fallback;
    if (typeof value === 'object' && (Array.isArray(value) ? !value.length : !Object.keys(value).length)) return fallback;
    return value;
  }

  const not = (value) => !value;
  const average = (...numbers) => globalThis.__extend(numbers, 'average', []);

  const numberList = (start, end) => {
    const step = start > end ? -1 : 1;
    return Array.from(new Array(Math.abs(end - start) + 1), (_, i) => start + i * step);
  };

  const zip = (keys, values) => {
    if (!Array.isArray(keys) || !Array.isArray(values)) fail('keys and values must be arrays');
    if (keys.length !== values.length) fail('keys and values not of equal length');
    return Object.fromEntries(keys.map((key, i) => [key, values[i]]));
  };

  const toPathSegment = (value) => {
    const text = value === undefined || value === null ? '' : String(value);
    if (text === '' || text === '.' || text === '..') fail(`Invalid identifier: "${text}" is not allowed`);
    return encodeURIComponent(text);
  };

  const FUNCTIONS = {
    $ifEmpty: ifEmpty,
    $jmespath: jmespathOf,
    $jmesPath: jmespathOf,
    $min: Math.min,
    $max: Math.max,
    $average: average,
    $not: not,
    min: Math.min,
    max: Math.max,
    average,
    not,
    numberList,
    zip,
    toPathSegment,
  };

  // --- the scope --------------------------------------------------------------------------------------------------------

  const start = (data) => {
    Settings.defaultZone = data.snapshot.zone;
    return data;
  };

  // Private fields on an object that somebody else made: no symbol, spread or proxy shows them.
  class Given {
    constructor(scope) {
      return scope;
    }
  }
  class Hidden extends Given {
    #data;
    #index;

    constructor(scope, data, index) {
      super(scope);
      this.#data = data;
      this.#index = index;
    }

    static data(scope) {
      return scope.#data;
    }

    static index(scope) {
      return scope.#index;
    }
  }
  const { data: dataOf, index: indexOf } = Hidden;

  function ExpressionScope(data, index) {
    new Hidden(this, data, index);
  }

  function CodeScope(data, index) {
    new Hidden(this, data, index);
  }

  // Getters over the data and the index: a scope is one small object per item, whatever the script reads.
  const VARIABLES = {
    get $json() {
      return dataOf(this).item(indexOf(this))?.json;
    },
    get $data() {
      return dataOf(this).item(indexOf(this))?.json;
    },
    get $binary() {
      return withoutBytes(dataOf(this).item(indexOf(this))?.binary);
    },
    get $input() {
      return new InputReader(dataOf(this), indexOf(this));
    },
    get $() {
      return (name) => {
        if (!name) return new UnnamedReader(dataOf(this));
        if (typeof name !== 'string') return missingNode(false);
        return dataOf(this).names.has(name) ? new NodeReader(dataOf(this), name, indexOf(this)) : missingNode(true);
      };
    },
    get $node() {
      const data = dataOf(this);
      const i = indexOf(this);
      return answering((name) => legacyNode(data, name, i));
    },
    get $items() {
      const data = dataOf(this);
      return (name, branch, run) => {
        if (name === undefined) return data.own(data.snapshot.items);
        if (typeof name !== 'string') throw new TypeError('not text');
        data.node(name);
        indexed(branch, run === -1 ? undefined : run);
        if (data.node(name).pinned) throw new TypeError(`${name} has not run`); // n8n: undefined is not iterable
        return data.output(name, branch ?? 0, run === -1 ? undefined : run);
      };
    },
    get $getPairedItem() {
      const data = dataOf(this);
      return (name, source, paired) => (data.lenient ? undefined : pairedItem(data, name, source, paired));
    },
    get $item() {
      const data = dataOf(this);
      return (index) => {
        const at = typeof index === 'string' && /^\d+$/.test(index) ? Number(index) : index;
        return isIndex(at) && at !== undefined ? listed(scopeOf(data, at)) : {};
      };
    },
    get $itemIndex() {
      return indexOf(this);
    },
    get $position() {
      return indexOf(this);
    },
    get $thisItemIndex() {
      return indexOf(this);
    },
    get $thisItem() {
      return dataOf(this).item(indexOf(this));
    },
    get $runIndex() {
      return dataOf(this).snapshot.runIndex;
    },
    get $thisRunIndex() {
      return dataOf(this).snapshot.runIndex;
    },
    get $prevNode() {
      const source = dataOf(this).snapshot.source[0];
      return {
        name: source?.previousNode,
        outputIndex: source ? (source.previousNodeOutput ?? 0) : undefined,
        runIndex: source ? (source.previousNodeRun ?? 0) : undefined,
      };
    },
    get $now() {
      return DateTime.now();
    },
    get $today() {
      return DateTime.now().set({ hour: 0, minute: 0, second: 0, millisecond: 0 });
    },
    get $workflow() {
      return dataOf(this).snapshot.workflow;
    },
    get $execution() {
      const { customData: kept, ...shown } = dataOf(this).snapshot.execution;
      return { ...shown, customData: customData(kept) };
    },
    get $executionId() {
      return dataOf(this).snapshot.execution.id;
    },
    get $resumeWebhookUrl() {
      return dataOf(this).snapshot.execution.resumeUrl;
    },
    get $vars() {
      return dataOf(this).snapshot.vars;
    },
    get $secrets() {
      return undefined;
    },
    get $env() {
      return denied;
    },
    get $mode() {
      return dataOf(this).snapshot.mode;
    },
    get $nodeVersion() {
      return dataOf(this).snapshot.step.version;
    },
    get $nodeId() {
      return dataOf(this).snapshot.step.id;
    },
    get $webhookId() {
      return dataOf(this).snapshot.step.webhookId ?? undefined;
    },
    get $self() {
      return dataOf(this).node(dataOf(this).snapshot.step.name).context;
    },
    get $parameter() {
      const { parameters } = dataOf(this).snapshot.step;
      return new Proxy(parameters, {
        get: (target, key) => {
          if (typeof key !== 'string' || !key.startsWith('&')) return target[key];
          const name = key.slice(1);
          return has(target, name) ? target[name] : undefined;
        },
      });
    },
    get $rawParameter() {
      return dataOf(this).snapshot.step.parameters;
    },
    get $tool() {
      return (dataOf(this).snapshot.arguments || {}).$tool || {};
    },
    get $agentInfo() {
      return undefined;
    },
    get $fromAI() {
      return fromAI(dataOf(this));
    },
    get $fromAi() {
      return fromAI(dataOf(this));
    },
    get $fromai() {
      return fromAI(dataOf(this));
    },
    get $pageCount() {
      return dataOf(this).snapshot.paged?.$pageCount;
    },
    get $request() {
      return dataOf(this).snapshot.paged?.$request;
    },
    get $response() {
      return dataOf(this).snapshot.paged?.$response;
    },
    get $version() {
      return dataOf(this).snapshot.paged?.$version;
    },
    get $evaluateExpression() {
      return (text) => {
        if (typeof text === 'string' && text.includes('{{')) fail('Text made at run time is never read as an expression');
        return text;
      };
    },
  };

  const CODE = {
    get items() {
      return dataOf(this).snapshot.items;
    },
    get item() {
      return dataOf(this).item(indexOf(this));
    },
    get $getWorkflowStaticData() {
      const { snapshot } = dataOf(this);
      return (type) => {
        if (type !== 'global' && type !== 'node') {
          fail(`The context type "${type}" is not know. Only "global" and "node" are supported!`);
        }
        const key = type === 'global' ? 'global' : `node:${snapshot.step.name}`;
        if (!has(snapshot.staticData, key)) snapshot.staticData[key] = {};
        return snapshot.staticData[key];
      };
    },
  };

  const prototype = (...parts) => {
    const made = Object.create(null);
    for (const part of parts) Object.defineProperties(made, Object.getOwnPropertyDescriptors(part));
    return made;
  };
  const PROTOTYPES = { expression: prototype(FUNCTIONS, VARIABLES), code: prototype(FUNCTIONS, VARIABLES, CODE) };
  ExpressionScope.prototype = PROTOTYPES.expression;
  CodeScope.prototype = PROTOTYPES.code;
  const closed = ({ prototype: members }) => {
    for (const each of Object.values(Object.getOwnPropertyDescriptors(Object.freeze(members)))) {
      for (const part of [each.value, each.get, each.set]) if (part !== undefined) Object.freeze(part);
    }
  };
  for (const each of [Data, NodeReader, UnnamedReader, InputReader, Hidden]) closed(each);

  const scopeOf = (data, itemIndex) => {
    return new (data.lenient ? CodeScope : ExpressionScope)(data, itemIndex);
  };

  // A scope whose variables can be listed, as those of `$item(0)` can.
  const listed = (scope) => {
    const made = {};
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(scope))) {
      Object.defineProperty(made, name, { enumerable: true, get: () => scope[name] });
    }
    return made;
  };

  const openScope = (snapshot, mode, evaluate) => {
    const data = start(new Data(snapshot, mode, evaluate));
    return (itemIndex, apart) => scopeOf(apart ? data.apart() : data, itemIndex);
  };

  globalThis.__ExpressionError = ExpressionError;
  globalThis.__openScope = openScope;
  globalThis.__buildScope = (snapshot, itemIndex, mode) => openScope(snapshot, mode)(itemIndex);
  globalThis.__scopeNames = [FUNCTIONS, VARIABLES, CODE].flatMap((part) => Object.getOwnPropertyNames(part));
  globalThis.__scopePrototypes = PROTOTYPES;
})();
