// Protobuf schemas as data: the text of a .proto file, and of the files it imports, becomes a tree of message
// types. A file may also be a compiled descriptor in base64, as some registries give it. protobufjs reads both;
// nothing of it goes further. SOURCE: Protocol Buffers language guides
// (proto2, proto3, editions); Confluent's wire format (message indexes).
import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs';
import descriptor, { type IFileDescriptorProto } from 'protobufjs/ext/descriptor.js';

export type ProtoScalar =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes';

export type ProtoType =
  | { readonly kind: 'scalar'; readonly scalar: ProtoScalar }
  | { readonly kind: 'enum'; readonly names: ReadonlyMap<number, string> }
  /** A group lies between two tags instead of behind its length. */
  | { readonly kind: 'message'; readonly message: ProtoMessage; readonly isGroup: boolean };

export interface ProtoField {
  /** As written in the file. */
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly rule: 'single' | 'repeated' | 'map';
  /** Of a map. */
  readonly keyType: ProtoScalar | null;
  /** Is "not there" something else than the default? */
  readonly hasPresence: boolean;
  /** JSON of what an absent field means; null = NULL. */
  readonly absent: string | null;
  /** Name of the oneof of which it is a part; of several members the last counts. */
  readonly oneof: string | null;
}

/** `fields` is filled once all types are known, since messages name each other. */
export interface ProtoMessage {
  readonly fullName: string;
  readonly fields: readonly ProtoField[];
  /** Message types declared inside, in their order. */
  readonly nested: readonly ProtoMessage[];
}

/** A schema that cannot be used; the message says why. */
export class ProtoSchemaProblem extends Error {
  override readonly name = 'ProtoSchemaProblem';
}

export interface ProtoImport {
  /** As the import names it. */
  readonly name: string;
  readonly text: string;
}

/** The messages that `text` declares at its outermost level, in their order. Throws ProtoSchemaProblem. */
export function parseProtoSchema(
  text: string,
  imports: readonly ProtoImport[],
): readonly ProtoMessage[] {
  const root = new protobuf.Root();
  try {
    const own = readFile(text, new protobuf.Root());
    const files = [...imports.map((one) => one.text), text];
    addCommon(root, new Set(files.flatMap(importsOf)));
    for (const one of files) readFile(one, root);
    root.resolveAll();
    const reader = new TypeReader();
    return own.map((name) => reader.message(root.lookupType(name)));
  } catch (thrown) {
    if (thrown instanceof ProtoSchemaProblem) throw thrown;
    throw new ProtoSchemaProblem(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

const { FileDescriptorProto, FileDescriptorSet } = descriptor;

/**
 * The message type of that full name in a file: a .proto text, or what `protoc --descriptor_set_out` makes (with
 * --include_imports where it imports others than Google's own). Throws ProtoSchemaProblem.
 */
export function findProtoMessage(bytes: Buffer, fullName: string): ProtoMessage {
  const root = new protobuf.Root();
  try {
    const set = isText(bytes) ? null : FileDescriptorSet.toObject(FileDescriptorSet.decode(bytes));
    const files: readonly IFileDescriptorProto[] = set?.['file'] ?? [];
    const given = new Set(files.map((file) => file.name));
    const imports =
      set === null ? importsOf(bytes.toString('utf8')) : files.flatMap(dependenciesOf);
    addCommon(root, new Set(imports.filter((name) => !given.has(name))));
    if (set === null) readFile(bytes.toString('utf8'), root);
    for (const file of files) addDescriptor(file, root);
    root.resolveAll();
    const found = root.lookup(fullName, protobuf.Type);
    if (!(found instanceof protobuf.Type))
      throw new ProtoSchemaProblem(`there is no message type '${fullName}' in it`);
    return new TypeReader().message(found);
  } catch (thrown) {
    if (thrown instanceof ProtoSchemaProblem) throw thrown;
    throw new ProtoSchemaProblem(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Compiled files have control characters; texts have only blanks among them. */
function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** A file that is base64 of its compiled form; null = it is text. */
function readDescriptor(text: string): IFileDescriptorProto | null {
  const compact = text.trim();
  if (compact === '' || !/^[A-Za-z0-9+/\s]+={0,2}$/.test(compact)) return null;
  return FileDescriptorProto.toObject(FileDescriptorProto.decode(Buffer.from(compact, 'base64')));
}

/** Adds a file's types; gives the full names of its messages, in their order. */
function readFile(text: string, root: protobuf.Root): readonly string[] {
  const compiled = readDescriptor(text);
  if (compiled !== null) return addDescriptor(compiled, root);
  const parsed = protobuf.parse(text, root, { keepCase: true });
  const space = parsed.package === undefined ? root : root.lookup(parsed.package);
  if (!(space instanceof protobuf.Namespace)) return [];
  return space.nestedArray.filter((one) => one instanceof protobuf.Type).map((one) => one.fullName);
}

function addDescriptor(file: IFileDescriptorProto, root: protobuf.Root): readonly string[] {
  const space =
    file.package === undefined || file.package === '' ? root : root.define(file.package);
  const context = { keepCase: true, edition: syntaxOf(file) };
  const names: string[] = [];
  for (const message of file.messageType ?? []) {
    const type = protobuf.Type.fromDescriptor(message, context);
    space.add(type);
    names.push(type.fullName);
  }
  for (const one of file.enumType ?? []) space.add(protobuf.Enum.fromDescriptor(one, context));
  return names;
}

/** Of a compiled file in an edition the library does not hand over what is set for the whole file. */
function syntaxOf({ syntax }: IFileDescriptorProto): string {
  if (syntax !== 'editions') return syntax === undefined || syntax === '' ? 'proto2' : syntax;
  throw new ProtoSchemaProblem('a compiled file of an edition: register its text instead');
}

/** The library does not say that these are texts. */
function dependenciesOf({ dependency }: IFileDescriptorProto): readonly string[] {
  const list: unknown = dependency;
  return Array.isArray(list) ? list.map(String) : [];
}

/** What a file imports, as it names them. */
function importsOf(text: string): readonly string[] {
  const compiled = readDescriptor(text);
  if (compiled !== null) return dependenciesOf(compiled);
  const found = text.matchAll(/import\s+(?:public\s+|weak\s+)?["']([^"']+)["']/g);
  return [...found].map(([, name = '']) => name);
}

/** Google's well-known types, which registries do not hold. */
function addCommon(root: protobuf.Root, names: ReadonlySet<string>): void {
  for (const name of names) {
    const nested = protobuf.common.get(name)?.nested;
    if (nested !== undefined) root.addJSON(nested);
  }
}

class TypeReader {
  readonly #messages = new Map<protobuf.Type, ProtoMessage>();

  message(type: protobuf.Type): ProtoMessage {
    const known = this.#messages.get(type);
    if (known !== undefined) return known;
    const fields: ProtoField[] = [];
    const nested: ProtoMessage[] = [];
    const message = { fullName: type.fullName.replace(/^\./, ''), fields, nested };
    this.#messages.set(type, message);
    for (const inner of type.nestedArray)
      if (inner instanceof protobuf.Type) nested.push(this.message(inner));
    for (const field of type.fieldsArray) {
      // Extensions have names that no column can have.
      if (field.name.startsWith('.')) continue;
      fields.push(this.#field(field.resolve()));
    }
    return message;
  }

  #field(field: protobuf.Field): ProtoField {
    const isMap = field instanceof protobuf.MapField;
    const type = this.#type(field);
    const rule = isMap ? 'map' : field.repeated ? 'repeated' : 'single';
    const hasPresence = rule === 'single' && Boolean(field.hasPresence);
    return {
      name: field.name,
      number: field.id,
      type,
      rule,
      keyType: isMap && isScalar(field.keyType) ? field.keyType : null,
      hasPresence,
      absent: absentText(field, type, rule, hasPresence),
      oneof: field.partOf === null || field.partOf === undefined ? null : field.partOf.name,
    };
  }

  #type(field: protobuf.Field): ProtoType {
    const { resolvedType } = field;
    if (resolvedType instanceof protobuf.Type)
      return {
        kind: 'message',
        message: this.message(resolvedType),
        isGroup: field.delimited === true,
      };
    if (resolvedType instanceof protobuf.Enum) {
      const names = Object.entries(resolvedType.values);
      // Of names for one number the first is the one that is shown.
      return { kind: 'enum', names: new Map(names.reverse().map(([name, id]) => [id, name])) };
    }
    if (isScalar(field.type)) return { kind: 'scalar', scalar: field.type };
    throw new ProtoSchemaProblem(`type ${field.type} of field ${field.name} is not defined`);
  }
}

const SCALARS: ReadonlySet<string> = new Set([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
]);

function isScalar(name: string): name is ProtoScalar {
  return SCALARS.has(name);
}

function absentText(
  field: protobuf.Field,
  type: ProtoType,
  rule: ProtoField['rule'],
  hasPresence: boolean,
): string | null {
  if (rule === 'repeated') return '[]';
  if (rule === 'map') return '{}';
  const given: unknown = field.options?.['default'];
  if (hasPresence) return given === undefined ? null : defaultText(given, type);
  switch (type.kind) {
    case 'message':
      return null;
    case 'enum':
      return JSON.stringify(type.names.get(0) ?? 0);
    case 'scalar':
      return type.scalar === 'string' || type.scalar === 'bytes'
        ? '""'
        : type.scalar === 'bool'
          ? 'false'
          : '0';
  }
}

/** A default as it stands in the file: protobufjs gives texts, numbers and booleans. */
function defaultText(given: unknown, type: ProtoType): string {
  const isText =
    type.kind === 'enum' || (type.kind === 'scalar' && /^(string|bytes)$/.test(type.scalar));
  if (isText) return JSON.stringify(String(given));
  const text = String(given);
  // `inf` and `nan` have no JSON number.
  return /^(-?\d|true$|false$)/.test(text) ? text : JSON.stringify(text);
}
