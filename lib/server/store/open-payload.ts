import { type FileHandle, open } from 'node:fs/promises';

/** The payload file that was read last, open: the fragments that are read together lie in few of them. The caller closes it. */
export class OpenPayload {
	#path = '';
	#handle: FileHandle | null = null;

	/** The payload file of that path, in place of the one before. Rejects with the system's error. */
	async open(path: string): Promise<FileHandle> {
		if (this.#handle !== null && path === this.#path) return this.#handle;
		await this.close();
		this.#path = path;
		this.#handle = await open(path, 'r');
		return this.#handle;
	}

	/** Closes the file that is open, if one is. */
	async close(): Promise<void> {
		const handle = this.#handle;
		this.#handle = null;
		await handle?.close();
	}
}
