import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SinkError } from '../errors.js';

/** What a finished file may be read by, before the process's umask takes its part. */
const FILE_MODE = 0o666;

/**
 * A file that appears under its name only when it is whole: it is written beside it, privately, and renamed at the end.
 * Every failure is a {@link SinkError} (`KVS_SINK_FAILED`) and leaves what was there before.
 */
export class AtomicFile {
	readonly #target: string;
	readonly #temporary: string;
	readonly #handle: FileHandle;
	#sizeBytes = 0;
	/** Slices are put together here before they are written; used again and again, so that no garbage comes of it. */
	#scratch = Buffer.alloc(0);

	private constructor(target: string, temporary: string, handle: FileHandle) {
		this.#target = target;
		this.#temporary = temporary;
		this.#handle = handle;
	}

	/** Opens the file that is to become `target`. */
	static async create(target: string): Promise<AtomicFile> {
		const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.part`);
		try {
			return new AtomicFile(target, temporary, await open(temporary, 'wx', 0o600));
		} catch (error) {
			throw failure(target, error);
		}
	}

	/** Bytes appended so far. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** Writes slices behind everything written so far. They are copied before it returns. */
	async append(slices: readonly Uint8Array[]): Promise<void> {
		let length = 0;
		for (const { byteLength } of slices) length += byteLength;
		if (this.#scratch.byteLength < length) this.#scratch = Buffer.allocUnsafeSlow(length);
		let at = 0;
		for (const slice of slices) {
			this.#scratch.set(slice, at);
			at += slice.byteLength;
		}
		await this.#write(this.#scratch.subarray(0, length), this.#sizeBytes);
		this.#sizeBytes += length;
	}

	/** Overwrites bytes that were appended before. */
	async patch(bytes: Uint8Array, position: number): Promise<void> {
		await this.#write(bytes, position);
	}

	/** The file is whole: brings it to the disk and gives it its name, in place of a file that has it. */
	async commit(): Promise<void> {
		try {
			await this.#handle.sync();
			await this.#handle.chmod(FILE_MODE & ~process.umask());
			await this.#handle.close();
			await rename(this.#temporary, this.#target);
		} catch (error) {
			throw failure(this.#target, error);
		}
	}

	/** The file will not be: removes what was written. Does nothing after `commit`. */
	async discard(): Promise<void> {
		await this.#handle.close();
		await rm(this.#temporary, { force: true });
	}

	async #write(bytes: Uint8Array, position: number): Promise<void> {
		try {
			for (let written = 0; written < bytes.byteLength; ) {
				const { bytesWritten } = await this.#handle.write(
					bytes,
					written,
					bytes.byteLength - written,
					position + written,
				);
				written += bytesWritten;
			}
		} catch (error) {
			throw failure(this.#target, error);
		}
	}
}

function failure(target: string, cause: unknown): SinkError {
	const { code, message } = cause as NodeJS.ErrnoException;
	const reason = {
		ENOSPC: 'the disk is full',
		ENOENT: 'its directory does not exist',
		EACCES: 'permission denied',
		EISDIR: 'it is a directory',
	}[code ?? ''];
	const said = reason === undefined ? message : `${reason} (${code})`;
	return new SinkError('KVS_SINK_FAILED', target, `cannot write \`${target}\`: ${said}`, cause);
}
