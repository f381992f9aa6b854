import { type FileHandle, open } from 'node:fs/promises';

/** How much is gathered before it is written. */
const BUFFER_BYTES = 1024 * 1024;

/** Mode of every file of the archive, for the owner alone: what is archived is somebody's camera. */
export const PRIVATE_FILE_MODE = 0o600;

/** Writes a new file front to back, in large writes, for many small slices. */
export class FileWriter {
	readonly #handle: FileHandle;
	readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
	#buffered = 0;
	#offset = 0;

	private constructor(handle: FileHandle) {
		this.#handle = handle;
	}

	/** Creates the file, which must not exist. */
	static async create(path: string): Promise<FileWriter> {
		return new FileWriter(await open(path, 'wx', PRIVATE_FILE_MODE));
	}

	/** Bytes written so far: where the next ones will stand. */
	get offset(): number {
		return this.#offset;
	}

	/** Appends bytes. They are the caller's again once this resolves. */
	async write(bytes: Uint8Array): Promise<void> {
		for (let position = 0; position < bytes.byteLength; ) {
			const taken = Math.min(BUFFER_BYTES - this.#buffered, bytes.byteLength - position);
			this.#buffer.set(bytes.subarray(position, position + taken), this.#buffered);
			this.#buffered += taken;
			position += taken;
			if (this.#buffered === BUFFER_BYTES) await this.#flush();
		}
		this.#offset += bytes.byteLength;
	}

	/** Makes everything durable. */
	async finish(): Promise<void> {
		await this.#flush();
		await this.#handle.sync();
	}

	/** Frees the file's handle, finished or not. */
	async close(): Promise<void> {
		await this.#handle.close();
	}

	async #flush(): Promise<void> {
		// `writeFile` of a handle goes on where it stands, and on after a short write, which `write` does not.
		await this.#handle.writeFile(this.#buffer.subarray(0, this.#buffered));
		this.#buffered = 0;
	}
}
