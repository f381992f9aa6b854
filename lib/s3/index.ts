export type { ReadableFile } from '../files/readable-file.js';
export type { RemoteFolder, RemotePlace } from '../files/remote-place.js';
export { type S3Options, type S3Place, s3 } from './s3-place.js';
