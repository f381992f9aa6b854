import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SinkError } from '../errors.js';
import { createTrouble } from '../wording/system-trouble.js';
import { isFileThere } from './is-file-there.js';
import { readFully } from './read-fully.js';

/** What a finished file may be read by, before the process's umask takes its part. */
const FILE_MODE = 0o666;

/** Written at a time; larger slices are written as they are. */
const SCRATCH_BYTES = 1024 * 1024;

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
	#scratch: Buffer | null = null;

	private constructor(target: string, temporary: string, handle: FileHandle) {
		this.#target = target;
		this.#temporary = temporary;
		this.#handle = handle;
	}

	/** Opens the file that is to become `target`, under a unique name. */
	static async create(target: string): Promise<AtomicFile> {
		const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.part`);
		try {
			return new AtomicFile(target, temporary, await open(temporary, 'wx', 0o600));
		} catch (error) {
			throw failure(target, error);
		}
	}

	/** Where {@link AtomicFile.resume} writes what is to become `target`. */
	static partOf(target: string): string {
		return join(dirname(target), `.${basename(target)}.part`);
	}

	/**
	 * Opens the file that is to become `target`, under a name that the next process finds again, and keeps the first
	 * `sizeBytes` of what is there. The caller sees to it that no other process does the same.
	 */
	static async resume(target: string, sizeBytes: number): Promise<AtomicFile> {
		const part = AtomicFile.partOf(target);
		try {
			const isThere = await isFileThere(part);
			if (sizeBytes === 0) {
				if (isThere) await rm(part, { force: true });
				return new AtomicFile(target, part, await open(part, 'wx+', 0o600));
			}
			const handle = await open(part, 'r+', 0o600);
			await handle.truncate(sizeBytes).catch(async (error) => {
				await handle.close();
				throw error;
			});
			const file = new AtomicFile(target, part, handle);
			file.#sizeBytes = sizeBytes;
			return file;
		} catch (error) {
			throw failure(target, error);
		}
	}

	/** Bytes appended so far. */
	get sizeBytes(): number {
		return this.#sizeBytes;
	}

	/** Writes slices after everything written so far. They are done with when it returns. */
	async append(slices: readonly Uint8Array[]): Promise<void> {
		const [only] = slices;
		if (slices.length === 1 && only !== undefined) {
			await this.#write(only, this.#sizeBytes);
			this.#sizeBytes += only.byteLength;
			return;
		}
		this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
		const scratch = this.#scratch;
		let length = 0;
		const flush = async (): Promise<void> => {
			await this.#write(scratch.subarray(0, length), this.#sizeBytes);
			this.#sizeBytes += length;
			length = 0;
		};
		for (const slice of slices) {
			if (length + slice.byteLength > scratch.byteLength) await flush();
			if (slice.byteLength > scratch.byteLength) {
				await this.#write(slice, this.#sizeBytes);
				this.#sizeBytes += slice.byteLength;
			} else {
				scratch.set(slice, length);
				length += slice.byteLength;
			}
		}
		if (length > 0) await flush();
	}

	/** Overwrites bytes that were appended before. */
	async patch(bytes: Uint8Array, position: number): Promise<void> {
		await this.#write(bytes, position);
	}

	/** Reads back `length` bytes that were written before. */
	async read(position: number, length: number): Promise<Uint8Array> {
		const bytes = Buffer.allocUnsafe(length);
		try {
			return bytes.subarray(0, await readFully(this.#handle, bytes, position));
		} catch (error) {
			throw failure(this.#target, error);
		}
	}

	/** Brings what was written so far to the disk. */
	async sync(): Promise<void> {
		try {
			await this.#handle.sync();
		} catch (error) {
			throw failure(this.#target, error);
		}
	}

	/** The file is whole: brings it to the disk, still without its name. */
	async seal(): Promise<void> {
		try {
			await this.#handle.sync();
			await this.#handle.chmod(FILE_MODE & ~process.umask());
			await this.#handle.close();
		} catch (error) {
			throw failure(this.#target, error);
		}
	}

	/** The file is whole: brings it to the disk and gives it its name, in place of a file that has it. */
	async commit(): Promise<void> {
		await this.seal();
		await publish(this.#temporary, this.#target);
	}

	/** Leaves what was written where `resume` finds it. */
	async leave(): Promise<void> {
		await this.#handle.close();
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

/**
 * Gives a whole file its name, in place of a file that has it, and of nothing else; nothing is left to do where another
 * process did it. Fails with a {@link SinkError} (`KVS_SINK_FAILED`).
 */
export async function publish(temporary: string, target: string): Promise<void> {
	try {
		await isFileThere(target, { follows: true });
		await rename(temporary, target);
	} catch (error) {
		const isDone = (error as NodeJS.ErrnoException).code === 'ENOENT' && existsSync(target);
		if (!isDone) throw failure(target, error);
	}
}

function failure(target: string, cause: unknown): SinkError {
	return new SinkError(
		'KVS_SINK_FAILED',
		target,
		`cannot write \`${target}\`: ${createTrouble(cause)}`,
		cause,
	);
}
