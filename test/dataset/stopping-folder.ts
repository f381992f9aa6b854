import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryFolder } from '#lib/files/directory-folder.js';
import type { FolderLock, OutputFolder, UnfinishedFile } from '#lib/files/output-folder.js';

/** What a {@link StoppingFolder} throws. */
export class Stopped extends Error {}

/** A directory whose writer is stopped as a kill would: from some step on nothing is done any more, nor is anything cleaned up. */
export class StoppingFolder implements OutputFolder {
	readonly name: string;
	readonly #folder: DirectoryFolder;
	#steps: number;

	/** `steps`: files that are begun, files that are finished, and removals, after which nothing happens. */
	constructor(path: string, steps: number) {
		this.name = path;
		this.#folder = new DirectoryFolder(path);
		this.#steps = steps;
	}

	/** Steps that are left. */
	get steps(): number {
		return this.#steps;
	}

	lock(): Promise<FolderLock> {
		return this.#folder.lock();
	}

	async create(name: string): Promise<UnfinishedFile> {
		this.#step();
		const file = await this.#folder.create(name);
		return {
			append: async (slices) => {
				if (this.#steps < 0) throw new Stopped();
				await file.append(slices);
			},
			commit: async () => {
				this.#step();
				await file.commit();
			},
			discard: async () => {
				await file.discard();
				if (this.#steps < 0) await writeFile(join(this.name, `.${name}.part`), 'the rest of it');
			},
		};
	}

	read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
		return this.#folder.read(name);
	}

	sizeOf(name: string): Promise<number | null> {
		return this.#folder.sizeOf(name);
	}

	list(): AsyncIterable<string> {
		return this.#folder.list();
	}

	async remove(name: string): Promise<void> {
		this.#step();
		await this.#folder.remove(name);
	}

	removeUnfinished(isMeant: (name: string) => boolean): Promise<void> {
		return this.#folder.removeUnfinished(isMeant);
	}

	#step(): void {
		this.#steps--;
		if (this.#steps < 0) throw new Stopped();
	}
}
