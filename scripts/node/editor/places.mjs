// Where a cursor stands in a policy document, and which keys and values the schema has for that place.

const KEY = /^([A-Za-z_][\w.-]*)\s*:(?:\s|$)/;

// A line of block YAML: the column of its key, those of its dashes, and the key itself.
export const shapeOf = (text) => {
  const dashes = [];
  let column = text.length - text.trimStart().length;
  let rest = text.slice(column);
  if (!rest || rest.startsWith("#")) return null;
  while (/^-(\s|$)/.test(rest)) {
    dashes.push(column);
    const gap = rest.slice(1).length - rest.slice(1).trimStart().length;
    column += 1 + Math.max(gap, 1);
    rest = rest.slice(1 + gap);
  }
  const key = KEY.exec(rest);
  return { column, dashes, key: key ? key[1] : null, value: key ? rest.slice(key[0].length).trim() : "" };
};

// The keys above a line, outermost first, and the keys that stand beside it.
export const placeOf = (lines, at) => {
  const own = shapeOf(lines[at].trim() ? lines[at] : `${lines[at]}x`) ?? { column: 0, dashes: [] };
  const path = [];
  const beside = [];
  let kind = null;
  const note = (shape) => {
    beside.push(shape.key);
    if (shape.key === "kind") kind = shape.value;
  };
  let need = own.column;
  let inItem = own.dashes.length > 0;
  let level = 0;
  if (inItem) need = own.dashes[0];
  for (let i = at - 1; i >= 0; i -= 1) {
    const shape = shapeOf(lines[i]);
    if (!shape) continue;
    const first = shape.dashes.length ? shape.dashes[0] : shape.column;
    if (!inItem && shape.column === need && shape.key) {
      if (level === 0) note(shape);
      if (shape.dashes.length) {
        need = first;
        inItem = true;
      }
      continue;
    }
    const parent = first < need || (inItem && first === need && !shape.dashes.length);
    if (!parent) continue;
    if (shape.key && shape.column < need + (inItem ? 1 : 0)) {
      path.unshift(shape.key);
      level += 1;
      need = shape.dashes.length ? first : shape.column;
      inItem = shape.dashes.length > 0;
    }
    if (need === 0 && !inItem) break;
  }
  for (let i = at + 1; i < lines.length && level >= 0; i += 1) {
    const shape = shapeOf(lines[i]);
    if (!shape) continue;
    const first = shape.dashes.length ? shape.dashes[0] : shape.column;
    if (first < own.column) break;
    if (first === own.column && shape.key && !shape.dashes.length) note(shape);
  }
  return { path, beside, kind };
};

// In `price: {kind: fixed, cr` the braces that are open: their keys, and what stands in the innermost.
export const flowOf = (text) => {
  const open = [];
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === "{") open.push(i);
    if (text[i] === "}") open.pop();
  }
  if (!open.length) return null;
  const path = [];
  for (const [index, start] of open.entries()) {
    const from = index ? open[index - 1] + 1 : 0;
    const key = /([A-Za-z_][\w.-]*)\s*:\s*(?:\[\s*)?(?:\{[^{}]*\},?\s*)*$/.exec(text.slice(from, start));
    if (key) path.push(key[1]);
  }
  const inside = text.slice(open[open.length - 1] + 1);
  const kind = /\bkind\s*:\s*([\w-]+)/.exec(inside);
  return { kind: kind ? kind[1] : null, path, beside: [...inside.matchAll(/([A-Za-z_][\w.-]*)\s*:/g)].map((found) => found[1]), inside };
};

const alternatives = (schema, root) => {
  if (!schema || schema === true) return [];
  if (schema.$ref) return alternatives(root.$defs[schema.$ref.split("/").pop()], root);
  const inner = schema.anyOf ?? schema.oneOf;
  if (inner) return inner.flatMap((one) => alternatives(one, root));
  if (schema.type === "array") return alternatives(schema.items, root);
  return [schema];
};

const member = (schemas, key, root) =>
  schemas.flatMap((schema) =>
    schema.properties?.[key]
      ? alternatives(schema.properties[key], root)
      : typeof schema.additionalProperties === "object"
        ? alternatives(schema.additionalProperties, root)
        : [],
  );

// What may stand at a place: the schemas of its mapping, narrowed by the keys that are there, and by its kind.
export const schemasAt = (root, { path, beside = [], kind = null }) => {
  let found = alternatives(root, root);
  for (const key of path) found = member(found, key, root);
  const fitting = found.filter(
    (schema) =>
      beside.every((key) => schema.properties?.[key] !== undefined) &&
      (!kind || schema.properties?.kind?.const === undefined || schema.properties.kind.const === kind),
  );
  return fitting.length ? fitting : found;
};

export const keysAt = (root, place) => {
  const found = new Map();
  for (const schema of schemasAt(root, place)) {
    for (const [key, about] of Object.entries(schema.properties ?? {})) {
      if (place.beside.includes(key) || found.has(key)) continue;
      const needed = (schema.required ?? []).includes(key);
      found.set(key, { key, needed, about: about.description ?? "", leads: leads(about, root) });
    }
  }
  return [...found.values()];
};

const leads = (schema, root) => {
  const list = JSON.stringify(schema).includes('"array"');
  return list || alternatives(schema, root).some((one) => one.properties || one.additionalProperties);
};

export const valuesAt = (root, place, key) => {
  const found = new Set();
  for (const schema of member(schemasAt(root, place), key, root)) {
    for (const value of schema.enum ?? (schema.const === undefined ? [] : [schema.const])) found.add(String(value));
    if (schema.type === "boolean") ["true", "false"].forEach((value) => found.add(value));
  }
  return [...found];
};
