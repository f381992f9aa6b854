import { createReadStream } from 'node:fs';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidOptionError, SinkError } from '../errors.js';
import { createTrouble, systemTrouble } from '../wording/system-trouble.js';
import { AtomicFile } from './atomic-file.js';
import { isFileThere } from './is-file-there.js';
import { makeDirectory } from './make-directory.js';
import type { FolderLock, OutputFolder, UnfinishedFile } from './output-folder.js';
import { holdLock, type ProcessLock } from './process-lock.js';

/** The file that names the process which writes to a directory. */
const LOCK_NAME = '.in-use-by';

/** Where `AtomicFile` writes a file until it is whole. */
const PART_NAME = /^\.(.+)\.part$/;

/** A directory that finished files are put into. */
export class DirectoryFolder implements OutputFolder {
	readonly name: string;

	/** Throws `InvalidOptionError` for a path that cannot be one. */
	constructor(path: string) {
		if (typeof path !== 'string' || path === '') {
			throw new InvalidOptionError('directory', 'the name of a directory', path);
		}
		this.name = path;
	}

	async lock(): Promise<FolderLock> {
		let made: string | null;
		let lockOrHolder: ProcessLock | string;
		try {
			made = await makeDirectory(this.name);
			lockOrHolder = await holdLock(this.#pathOf(LOCK_NAME));
		} catch (cause) {
			throw this.#failure(`cannot write to \`${this.name}\`: ${createTrouble(cause)}`, cause);
		}
		if (typeof lockOrHolder === 'string') {
			throw this.#failure(
				`cannot write to \`${this.name}\`: ${lockOrHolder} is writing to it; wait until it has ended, or use another directory`,
			);
		}
		return {
			release: async () => {
				lockOrHolder.release();
				if (made !== null) await this.#removeEmpty(made);
			},
		};
	}

	create(name: string): Promise<UnfinishedFile> {
		return AtomicFile.resume(this.#pathOf(name), 0);
	}

	async read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
		return this.#reading(name, async (path) => {
			const isThere = await isFileThere(path, { follows: true });
			return isThere ? this.#bytesOf(name, path) : null;
		});
	}

	async sizeOf(name: string): Promise<number | null> {
		return this.#reading(name, async (path) => {
			const isThere = await isFileThere(path, { follows: true });
			return isThere ? (await stat(path)).size : null;
		});
	}

	async *list(): AsyncIterable<string> {
		for (const name of await this.#fileNames()) {
			if (name !== LOCK_NAME && !PART_NAME.test(name)) yield name;
		}
	}

	async remove(name: string): Promise<void> {
		try {
			await rm(this.#pathOf(name), { force: true });
		} catch (cause) {
			throw this.#failure(`cannot remove \`${this.#pathOf(name)}\`: ${systemTrouble(cause)}`, cause);
		}
	}

	async removeUnfinished(isMeant: (name: string) => boolean): Promise<void> {
		for (const part of await this.#fileNames()) {
			const [, name] = PART_NAME.exec(part) ?? [];
			if (name !== undefined && isMeant(name)) await this.remove(part);
		}
	}

	async #fileNames(): Promise<string[]> {
		try {
			const entries = await readdir(this.name, { withFileTypes: true });
			return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
		} catch (cause) {
			if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
			throw this.#failure(`cannot read \`${this.name}\`: ${systemTrouble(cause)}`, cause);
		}
	}

	#pathOf(name: string): string {
		return join(this.name, name);
	}

	async *#bytesOf(name: string, path: string): AsyncGenerator<Uint8Array> {
		const input = createReadStream(path);
		try {
			for await (const chunk of input) yield chunk as Buffer;
		} catch (cause) {
			throw this.#readFailure(name, cause);
		} finally {
			input.destroy();
		}
	}

	async #reading<Result>(name: string, read: (path: string) => Promise<Result>): Promise<Result> {
		try {
			return await read(this.#pathOf(name));
		} catch (cause) {
			throw this.#readFailure(name, cause);
		}
	}

	/** Removes the directories that were made, as far as nothing was put into them. */
	async #removeEmpty(made: string): Promise<void> {
		for (let path = resolve(this.name); path.length >= made.length; path = dirname(path)) {
			try {
				await rmdir(path);
			} catch {
				return;
			}
		}
	}

	#readFailure(name: string, cause: unknown): SinkError {
		return this.#failure(`cannot read \`${this.#pathOf(name)}\`: ${systemTrouble(cause)}`, cause);
	}

	#failure(message: string, cause?: unknown): SinkError {
		return new SinkError('KVS_SINK_FAILED', this.name, message, cause);
	}
}

/** The folder that a caller names: the path of a directory, or one of another kind. */
export function folderOf(folder: string | OutputFolder): OutputFolder {
	return typeof folder === 'string' ? new DirectoryFolder(folder) : folder;
}
