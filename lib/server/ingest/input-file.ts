import { type FileHandle, open } from 'node:fs/promises';
import { MediaError } from '../../errors.js';

/** How much is read at a time. */
const READ_BYTES = 1024 * 1024;

/** The families of files that can be ingested: Matroska and WebM, or MP4 and MOV. */
type Container = 'matroska' | 'isobmff';

/** A media file that is open for reading. */
export interface InputFile {
	readonly handle: FileHandle;
	readonly sizeBytes: number;
	readonly container: Container;
}

/**
 * Opens a media file and tells its container by its first bytes. The caller closes the handle. Throws the system's error
 * where it cannot be opened, {@link MediaError} (`KVS_MEDIA_UNSUPPORTED`) where it is no media file, and
 * (`KVS_MEDIA_TRUNCATED`) for an MP4 that ends inside a box.
 */
export async function openInput(file: string): Promise<InputFile> {
	const handle = await open(file, 'r');
	try {
		const stats = await handle.stat();
		if (!stats.isFile()) throw unsupported('expected a regular file');
		if (stats.size === 0) throw unsupported('the file is empty');
		const container = await sniffContainer(handle);
		if (container === 'isobmff') await checkBoxes(handle, stats.size);
		return { handle, sizeBytes: stats.size, container };
	} catch (error) {
		await handle.close();
		throw error;
	}
}

/** The bytes of a file from `start` to `end`, in buffers of up to 1 MiB that are never used again. */
export async function* readBytes(
	handle: FileHandle,
	start: number,
	end: number,
	signal: AbortSignal,
): AsyncGenerator<Buffer> {
	for (let position = start; position < end; ) {
		signal.throwIfAborted();
		const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - position));
		const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
		if (bytesRead === 0) {
			throw new MediaError(
				'KVS_MEDIA_TRUNCATED',
				`the file became shorter while it was read, at byte ${position}`,
				{
					offset: position,
				},
			);
		}
		position += bytesRead;
		yield buffer.subarray(0, bytesRead);
	}
}

/** The first box types that MP4 and MOV files were seen to begin with (ISO 14496-12 §4.3, QTFF). */
const FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp']);
const EBML_MAGIC = '1a45dfa3';

async function sniffContainer(handle: FileHandle): Promise<Container> {
	const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
	if (buffer.toString('hex', 0, 4) === EBML_MAGIC) return 'matroska';
	if (bytesRead === 8 && FIRST_BOXES.has(buffer.toString('latin1', 4, 8))) return 'isobmff';
	throw unsupported(
		`expected Matroska, WebM, MP4 or MOV, got a file that begins with 0x${buffer.toString('hex', 0, bytesRead)}`,
	);
}

/** Walks the boxes of the top level; mediabunny reads what is there of a cut file and does not say so. */
async function checkBoxes(handle: FileHandle, sizeBytes: number): Promise<void> {
	let hasMovie = false;
	for (let position = 0; position < sizeBytes; ) {
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, position);
		if (bytesRead < 8) throw truncated('a box header', position);
		const type = buffer.toString('latin1', 4, 8);
		let boxBytes = buffer.readUInt32BE(0);
		if (boxBytes === 0) boxBytes = sizeBytes - position;
		if (boxBytes === 1)
			boxBytes = bytesRead < 16 ? Number.POSITIVE_INFINITY : Number(buffer.readBigUInt64BE(8));
		if (boxBytes < 8) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`a box \`${type}\` of ${boxBytes} bytes at byte ${position}`,
				{
					offset: position,
				},
			);
		}
		if (position + boxBytes > sizeBytes) throw truncated(`the box \`${type}\` that begins`, position);
		hasMovie ||= type === 'moov';
		position += boxBytes;
	}
	if (!hasMovie) throw unsupported('an MP4 without a `moov` box');
}

function unsupported(message: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message);
}

function truncated(where: string, offset: number): MediaError {
	return new MediaError('KVS_MEDIA_TRUNCATED', `the media ends inside ${where} at byte ${offset}`, {
		offset,
	});
}
