import { type FileHandle, open } from 'node:fs/promises';
import { MediaError } from '../errors.js';
import { readFully } from '../files/read-fully.js';
import { counted } from '../wording/counted.js';
import type { Box } from './box.js';
import { boxesAt, readBoxes } from './box-tree.js';
import { type ClassicFile, classicHead } from './classic-head.js';
import { ENTRY_BYTES } from './run-entries.js';
import { SampleTable } from './sample-table.js';

/** How much is copied at a time. */
const COPY_BYTES = 1024 * 1024;

/** No `moov` or `moof` of ours comes near it. */
const MAX_HEAD_BYTES = 64 * 1024 * 1024;

const FILE_MODE = 0o600;

/** Bytes of a file. */
interface Span {
	readonly start: number;
	readonly end: number;
}

/** A box of a file's top level. */
interface TopBox extends Span {
	readonly type: string;
	readonly headerBytes: number;
}

/**
 * Rewrites a finished fragmented MP4 or MOV file of {@link mediaSegment}s as one that is not fragmented, with its `moov` in
 * front: it plays before it is there whole, in every player. Samples, times and edit lists stay; the same file gives the
 * same bytes. Holds some 20 bytes a sample.
 *
 * Writes over `targetPath`, readable by its owner alone; on failure what is there is the caller's to remove. Throws
 * `MediaError` (`KVS_MEDIA_UNSUPPORTED`) for a file that is not one of ours, the system's error, and the signal's reason.
 */
export async function fastStart(sourcePath: string, targetPath: string, signal: AbortSignal): Promise<void> {
	await using source = await open(sourcePath, 'r');
	await using target = await open(targetPath, 'w', FILE_MODE);
	const { init, tables, media } = await readFragments(source, sourcePath, signal);
	const mediaBytes = media.reduce((sum, { start, end }) => sum + end - start, 0);
	await write(target, classicHead({ init, tables, mediaBytes }));
	const buffer = Buffer.alloc(COPY_BYTES);
	for (const { start, end } of media) {
		for (let position = start; position < end; ) {
			signal.throwIfAborted();
			const wanted = Math.min(buffer.byteLength, end - position);
			const { bytesRead } = await source.read(buffer, 0, wanted, position);
			if (bytesRead === 0) throw unsupported(sourcePath, `it ends at byte ${position}`);
			await write(target, [buffer.subarray(0, bytesRead)]);
			position += bytesRead;
		}
	}
	await target.sync();
}

interface FragmentedFile extends Omit<ClassicFile, 'mediaBytes'> {
	/** Where the samples are, in the order of the file. */
	readonly media: readonly Span[];
}

async function readFragments(source: FileHandle, path: string, signal: AbortSignal): Promise<FragmentedFile> {
	const heads: Uint8Array[] = [];
	const types = new Set<string>();
	const tables: SampleTable[] = [];
	const media: Span[] = [];
	let mediaBytes = 0;
	let moof: Box | null = null;
	for await (const { type, start, headerBytes, end } of topBoxes(source, path)) {
		signal.throwIfAborted();
		if (type === 'mdat' && moof !== null) {
			addSamples(moof, tables, mediaBytes);
			media.push({ start: start + headerBytes, end });
			mediaBytes += end - start - headerBytes;
			moof = null;
		}
		if (type !== 'ftyp' && type !== 'moov' && type !== 'moof') continue;
		const bytes = await readSpan(source, path, { start, end });
		const [read] = readBoxes(bytes) as [Box];
		if (type === 'moof') moof = read;
		else heads.push(bytes);
		types.add(type);
		if (type === 'moov') tables.push(...boxesAt([read], 'moov/trak').map(() => new SampleTable()));
	}
	if (!types.has('ftyp') || !types.has('moov') || media.length === 0) {
		throw unsupported(path, 'it has no fragments');
	}
	return { init: Buffer.concat(heads), tables, media };
}

/** The samples of one `moof`. Those of a track lie together, one track after the other, as {@link mediaSegment} has them. */
function addSamples(moof: Box, tables: readonly SampleTable[], mediaPosition: number): void {
	let position = mediaPosition;
	for (const { children } of boxesAt([moof], 'moof/traf')) {
		const [header, time, run] = ['tfhd', 'tfdt', 'trun'].map((type) => {
			const [found] = boxesAt(children, type);
			return Buffer.from((found as Box).fields);
		}) as [Buffer, Buffer, Buffer];
		const entries = run.subarray(RUN_ENTRIES);
		const table = tables[header.readUInt32BE(4) - 1] as SampleTable;
		table.add({ decodeTicks: Number(time.readBigUInt64BE(4)), position, entries });
		for (let at = 4; at < entries.byteLength; at += ENTRY_BYTES) position += entries.readUInt32BE(at);
	}
}

/** After version, flags, sample count and data offset. */
const RUN_ENTRIES = 12;

async function* topBoxes(source: FileHandle, path: string): AsyncGenerator<TopBox> {
	const { size: fileBytes } = await source.stat();
	for (let start = 0; start < fileBytes; ) {
		const header = await readSpan(source, path, { start, end: Math.min(start + 16, fileBytes) });
		if (header.byteLength < 8) throw unsupported(path, `it ends at byte ${fileBytes}`);
		const type = header.toString('latin1', 4, 8);
		const short = header.readUInt32BE(0);
		const isLong = short === 1 && header.byteLength === 16;
		const sizeBytes = isLong ? Number(header.readBigUInt64BE(8)) : short;
		const end = start + sizeBytes;
		if (sizeBytes < 8 || end > fileBytes) throw unsupported(path, `its box ${type} at byte ${start} is cut`);
		yield { type, start, headerBytes: isLong ? 16 : 8, end };
		start = end;
	}
}

async function readSpan(source: FileHandle, path: string, { start, end }: Span): Promise<Buffer> {
	if (end - start > MAX_HEAD_BYTES)
		throw unsupported(
			path,
			`it has a header box of ${counted(end - start, 'byte')}, more than ${MAX_HEAD_BYTES}`,
		);
	const bytes = Buffer.alloc(end - start);
	const filled = await readFully(source, bytes, start);
	if (filled < bytes.byteLength) throw unsupported(path, `it ends at byte ${start + filled}`);
	return bytes;
}

async function write(target: FileHandle, slices: readonly Uint8Array[]): Promise<void> {
	for (const slice of slices) {
		for (let at = 0; at < slice.byteLength; ) at += (await target.write(slice, at)).bytesWritten;
	}
}

function unsupported(path: string, reason: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', `\`${path}\` cannot be rewritten: ${reason}`);
}
