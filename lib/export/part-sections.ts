import { createHash } from 'node:crypto';
import type { AtomicFile } from '../files/atomic-file.js';
import type { Muxer } from '../muxing/muxer.js';
import { counted } from '../wording/counted.js';
import type { FileSection } from './export-manifest.js';

/** What is read at a time of what comes before and after the fragments: with silence at its end that may be long. */
const SECTION_READ_BYTES = 1024 * 1024;

/**
 * Writes again what a part begins with, which `muxer` gives: the file may have been finished already when its process was
 * killed. Throws `RangeError` where it did not begin with as many bytes.
 */
export async function beginAgain(part: AtomicFile, muxer: Muxer, headBytes: number): Promise<void> {
	const head = Buffer.concat(await muxer.begin());
	if (head.byteLength !== headBytes)
		throw new RangeError(`it began with ${counted(headBytes, 'byte')}, not ${head.byteLength}`);
	await part.patch(head, 0);
}

/** Some bytes of a part, for its manifest. */
export async function sectionOf(part: AtomicFile, offset: number, bytes: number): Promise<FileSection> {
	const hash = createHash('sha256');
	for (let at = 0; at < bytes; at += SECTION_READ_BYTES) {
		hash.update(await part.read(offset + at, Math.min(SECTION_READ_BYTES, bytes - at)));
	}
	return { bytes, sha256: hash.digest('hex') };
}
