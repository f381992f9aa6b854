/* The entry `kvs-archive/mkv`: everything that reads Matroska, and nothing that knows AWS. */
export { MkvReader, type MkvReaderOptions } from './demux/mkv-reader.js';
export * from './mkv-core.js';
export type { Delivery } from './stream/pump.js';
