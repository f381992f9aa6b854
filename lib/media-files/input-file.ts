import { constants, type FileHandle, open } from 'node:fs/promises';
import { MediaError } from '../errors.js';

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
 * Opens a media file and recognizes its container by its first bytes. The caller closes the handle. Throws the system's error
 * where it cannot be opened, and {@link MediaError} (`KVS_MEDIA_UNSUPPORTED`) where it is not a media file.
 */
export async function openInput(file: string): Promise<InputFile> {
	// Opening a FIFO would wait until another process writes to it. Windows has none.
	const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
	try {
		const stats = await handle.stat();
		if (!stats.isFile()) throw unsupported('expected a regular file');
		if (stats.size === 0) throw unsupported('the file is empty');
		const container = await sniffContainer(handle);
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

function unsupported(message: string): MediaError {
	return new MediaError('KVS_MEDIA_UNSUPPORTED', message);
}
