// Writes the generated files of ec2/wire from AWS's own service model, as it is
// published in the npm package @aws-sdk/client-ec2 (Apache-2.0): names, types
// and wire traits of the operations in operations.txt, and the names of all the
// others. No documentation text is read or copied.
//
// Run by developers only, through `go generate ./ec2/wire`. The package is
// pinned by version and by hash, so the same tree always gives the same files.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';

const PACKAGE = '@aws-sdk/client-ec2@3.1169.0';
const SHA256 = '7413d6d388c2b37bfe73eab9fcde3a23fff2a7163e9383caae0f7efa090b14a0';
const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.dirname(here);

// Enums that a decoder must not check: the operation itself has words of its
// own for a wrong value.
const OPEN_ENUMS = new Set(['ResourceType']);

// Describe calls that have no list to be empty: what they speak of exists here.
const NOT_EMPTY = new Set(['DescribeInstanceImageMetadata', 'DescribeInstanceTopology']);

// The schema calls every number "numeric"; these few members are not integers.
const FLOATS = new Set([
  'BaselineBandwidthInGbps', 'BaselineThroughputInMBps', 'GpuPartitionSize',
  'MaximumThroughputInMBps', 'PeakBandwidthInGbps', 'SustainedClockSpeedInGhz',
]);

main();

async function main() {
  const dir = unpack();
  try {
    const schema = await loadSchema(dir);
    const members = loadMemberTypes(path.join(dir, 'dist-types/models'));
    const enums = await loadEnums(dir);
    const served = fs.readFileSync(path.join(here, 'operations.txt'), 'utf8')
      .split('\n').map((l) => l.trim()).filter((l) => l && !l.startsWith('#')).sort();
    const model = build(schema, members, enums, served);
    write('types.go', types(model));
    write('decode.go', decoders(model));
    write('encode.go', encoders(model));
    write('enums.go', enumTables(model));
    write('actions.go', actions(schema, served));
    write('decoders_test.go', decoderTable(schema, served));
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
}

// ---- the model, as npm has it ------------------------------------------------

function unpack() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ec2-model-'));
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--silent', PACKAGE], { cwd: dir, encoding: 'utf8' }));
  const tgz = path.join(dir, path.basename(filename.replace('@', '').replace('/', '-')));
  const sum = createHash('sha256').update(fs.readFileSync(tgz)).digest('hex');
  if (sum !== SHA256) throw new Error(`${PACKAGE}: sha256 is ${sum}, want ${SHA256}`);
  execFileSync('tar', ['xzf', tgz, '--strip-components=1', '-C', dir]);
  return dir;
}

// Only the data of the schema file is wanted: its imports are dropped and the
// few names that it takes from them are replaced by empty ones.
async function loadSchema(dir) {
  const source = fs.readFileSync(path.join(dir, 'dist-es/schemas/schemas_0.js'), 'utf8')
    .replace(/^import .*$/mg, '');
  const stubs = 'class TypeRegistry { static for() { return new TypeRegistry(); } registerError() {} }\n'
    + 'const EC2ServiceException = class {};\n';
  const file = path.join(dir, 'schema.mjs');
  fs.writeFileSync(file, stubs + source);
  const all = await import(pathToFileURL(file));
  const operations = new Map();
  for (const value of Object.values(all)) {
    if (Array.isArray(value) && value[0] === 9) {
      operations.set(value[2], { input: deref(value[4]), output: deref(value[5]) });
    }
  }
  if (operations.size < 800) throw new Error(`only ${operations.size} operations: has the schema's layout changed?`);
  return operations;
}

// The schema does not say which strings are enums; the type declarations do.
function loadMemberTypes(dir) {
  const found = new Map();
  for (const file of fs.readdirSync(dir).filter((f) => f.endsWith('.d.ts'))) {
    let shape = null;
    for (const line of fs.readFileSync(path.join(dir, file), 'utf8').split('\n')) {
      let m;
      if ((m = /^export interface (\w+) /.exec(line))) shape = m[1];
      else if (line === '}') shape = null;
      else if (shape && (m = /^    (\w+)(\??): (\w+)(\[\])? \| undefined;/.exec(line))) {
        found.set(`${shape}.${m[1]}`, { type: m[3].replace(/^_/, ''), required: m[2] === '' });
      }
    }
  }
  return found;
}

async function loadEnums(dir) {
  const file = path.join(dir, 'enums.mjs');
  fs.copyFileSync(path.join(dir, 'dist-es/models/enums.js'), file);
  const enums = new Map();
  for (const [name, values] of Object.entries(await import(pathToFileURL(file)))) {
    enums.set(name.replace(/^_/, ''), Object.values(values).sort());
  }
  return enums;
}

function deref(t) { return typeof t === 'function' ? t() : t; }

// ---- the model, as the Go code wants it ---------------------------------------

function build(schema, memberTypes, enums, served) {
  const model = { shapes: new Map(), requests: [], results: [], enums: new Map() };

  function shapeOf(struct, side) {
    const name = struct[2];
    let shape = model.shapes.get(name);
    if (!shape) {
      shape = { name, members: [] };
      model.shapes.set(name, shape);
      const required = struct[6] ?? 0;
      struct[4].forEach((member, i) => {
        const m = memberOf(name, member, struct[5][i]);
        const declared = memberTypes.get(`${name}.${member}`);
        if (!declared) throw new Error(`${name}.${member}: not in the type declarations`);
        m.required = i < required;
        if (m.required !== declared.required) throw new Error(`${name}.${member}: required or not?`);
        if (m.kind === 'text' && enums.has(declared.type) && !OPEN_ENUMS.has(declared.type)) {
          m.enum = declared.type;
        }
        if (m.kind === 'integer' && FLOATS.has(member)) m.kind = 'float';
        shape.members.push(m);
      });
    }
    if (shape[side]) return shape;
    shape[side] = true;
    for (const m of shape.members) {
      if (m.struct) shapeOf(m.struct, side);
      if (m.enum && side === 'input') model.enums.set(m.enum, enums.get(m.enum));
    }
    return shape;
  }

  for (const name of served) {
    const operation = schema.get(name);
    if (!operation) throw new Error(`operations.txt: AWS has no ${name}`);
    const input = shapeOf(operation.input, 'input');
    model.requests.push(input.name);
    if (operation.output === 'unit' || operation.output[2] === '__Unit' || operation.output[0] !== 3) continue;
    model.results.push(shapeOf(operation.output, 'output').name);
  }
  return model;
}

function traitsOf(t) {
  t = deref(t);
  if (Array.isArray(t) && t.length === 2) {
    return [deref(t[0]), typeof t[1] === 'object' ? t[1] : {}];
  }
  return [t, {}];
}

function memberOf(shape, name, schema) {
  const [type, traits] = traitsOf(schema);
  const m = {
    name,
    query: traits.ec2QueryName ?? upper(traits.xmlName ?? name),
    xml: traits.xmlName ?? name,
    list: false,
    struct: null,
  };
  let element = type;
  if (typeof type === 'number' && (type & 64)) {
    m.list = true;
    m.item = 'member';
    element = type & ~64;
  } else if (Array.isArray(type) && type[0] === 1) {
    m.list = true;
    const [inner, innerTraits] = traitsOf(type[4]);
    m.item = innerTraits.xmlName ?? 'member';
    element = inner;
  }
  if (Array.isArray(element) && element[0] === 3) {
    m.struct = element;
    m.kind = 'struct';
    return m;
  }
  if (Array.isArray(element) && element[0] === 0) element = element[4];
  m.kind = { 0: 'text', 1: 'integer', 2: 'boolean', 4: 'time', 5: 'time', 21: 'blob' }[element];
  if (!m.kind) throw new Error(`${shape}.${name}: a type that is not known: ${JSON.stringify(element)}`);
  return m;
}

function upper(s) { return s[0].toUpperCase() + s.slice(1); }

// ---- Go ----------------------------------------------------------------------

const GO = { text: 'string', integer: 'int64', float: 'float64', boolean: 'bool', time: 'time.Time', blob: '[]byte' };

function sorted(map) { return [...map.values()].sort((a, b) => (a.name < b.name ? -1 : 1)); }

function types(model) {
  const lines = ['package wire', '', 'import "time"', ''];
  for (const shape of sorted(model.shapes)) {
    lines.push(`// ${shape.name} is the structure of that name in AWS's service model.`, `type ${shape.name} struct {`);
    for (const m of shape.members) {
      const element = m.kind === 'struct' ? m.struct[2] : GO[m.kind];
      const type = m.list ? `[]${element}` : m.kind === 'blob' ? element : `*${element}`;
      lines.push(`\t${m.name} ${type} \`ec2:"${m.query},${m.xml}${m.list && m.item !== 'item' ? `,${m.item}` : ''}"\``);
    }
    lines.push('}', '');
  }
  return lines.join('\n');
}

function decoders(model) {
  const lines = ['package wire', ''];
  for (const shape of sorted(model.shapes).filter((s) => s.input)) {
    lines.push(`func (v *${shape.name}) decode(c cursor, d *decoder) {`);
    const required = shape.members.filter((m) => m.required);
    if (required.length > 0) lines.push('\tat := c.prefix()');
    lines.push('\tfor c.more() {', '\t\tname, sub := c.next()', '\t\tswitch name {');
    for (const m of shape.members) {
      lines.push(`\t\tcase "${m.query}":`, `\t\t\tv.${m.name} = ${decode(m)}`);
    }
    lines.push('\t\tdefault:', '\t\t\td.unknown(sub)', '\t\t}', '\t}');
    for (const m of required) lines.push(`\td.need(at, "${m.query}", v.${m.name} != nil)`);
    lines.push('}', '');
  }
  return lines.join('\n');
}

function decode(m) {
  if (m.struct) return `decode${m.list ? 'List' : 'Struct'}(sub, d, (*${m.struct[2]}).decode)`;
  const call = m.enum ? 'enum' : m.kind;
  const args = m.enum ? `, enum${m.enum}` : '';
  return m.list ? `d.${call}List(sub${args})` : `d.${call}(sub${args})`;
}

function encoders(model) {
  const lines = ['package wire', ''];
  for (const shape of sorted(model.shapes).filter((s) => s.output)) {
    lines.push(`// AppendXML appends the members that are present.`,
      `func (v *${shape.name}) AppendXML(b []byte) []byte {`);
    for (const m of shape.members) lines.push(`\tb = ${encode(m)}`);
    lines.push('\treturn b', '}', '');
  }
  return lines.join('\n');
}

function encode(m) {
  if (m.list) {
    const one = m.struct ? `(*${m.struct[2]}).AppendXML` : `append${upper(m.kind)}Value`;
    return `append${m.struct ? 'Structs' : 'Scalars'}(b, "${m.xml}", "${m.item}", v.${m.name}, ${one})`;
  }
  if (m.struct) return `appendStruct(b, "${m.xml}", v.${m.name}, (*${m.struct[2]}).AppendXML)`;
  if (m.kind === 'blob') return `appendBlob(b, "${m.xml}", v.${m.name})`;
  return `appendScalar(b, "${m.xml}", v.${m.name}, append${upper(m.kind)}Value)`;
}

function enumTables(model) {
  const lines = ['package wire', '', 'var ('];
  for (const [name, values] of [...model.enums].sort()) {
    lines.push(`\tenum${name} = []string{${values.map((v) => JSON.stringify(v)).join(', ')}}`);
  }
  lines.push(')', '');
  return lines.join('\n');
}

// The tests decode every request; nothing else needs them all in one table.
function decoderTable(schema, served) {
  const lines = ['package wire', '', 'var requestDecoders = map[string]func(Form) (any, *Problem){'];
  for (const name of served) lines.push(`\t"${name}": decodeInto[${schema.get(name).input[2]}],`);
  lines.push('}', '', 'var results = []Response{');
  for (const name of served) {
    const { output } = schema.get(name);
    if (Array.isArray(output) && output[0] === 3 && output[2] !== '__Unit') lines.push(`\tnew(${output[2]}),`);
  }
  lines.push('}', '');
  return lines.join('\n');
}

// Every operation of AWS's. A Describe call that needs no parameter and answers
// with lists can be answered honestly by who has none of the things: with the
// lists, empty. Their names are kept for that.
function actions(schema, served) {
  const lines = ['package wire', '', 'var actions = []Action{'];
  for (const name of [...schema.keys()].sort()) {
    const { input, output } = schema.get(name);
    let lists = [];
    if (name.startsWith('Describe') && !NOT_EMPTY.has(name) && !(input[6] > 0) && Array.isArray(output) && output[0] === 3) {
      lists = output[4].map((member, i) => memberOf(name, member, output[5][i])).filter((m) => m.list).map((m) => m.xml);
    }
    const fields = [`Name: ${JSON.stringify(name)}`];
    if (lists.length > 0) fields.push(`Lists: []string{${lists.map((l) => JSON.stringify(l)).join(', ')}}`);
    if (served.includes(name)) fields.push('Typed: true');
    lines.push(`\t{${fields.join(', ')}},`);
  }
  lines.push('}', '');
  return lines.join('\n');
}

function write(name, text) {
  const file = path.join(out, name);
  fs.writeFileSync(file, `// Code generated by gen/generate.mjs from ${PACKAGE}; DO NOT EDIT.\n\n${text}`);
  execFileSync('gofmt', ['-w', file]);
}
