// The one error of readers of whole files (Avro, Arrow, ORC containers): their bytes are no file of the format, are
// damaged, cut off, or use what the reader does not know. It becomes the error of the load.
export class MalformedFile extends Error {
  override readonly name = 'MalformedFile';
}
