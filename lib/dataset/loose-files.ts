import type { OutputFolder } from '../files/output-folder.js';
import { type OpenSection, type Sample, type WrittenFile, writeFile } from './written-file.js';

/** A section has this many files at most, which a kill may cost. */
const MAX_FILES = 256;

/** Files that are written side by side: what one waits for is mostly not the processor. */
const MAX_WRITES = 8;

/** Nor are more bytes held for it, but for a single picture. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** Pictures as a file each. */
export class LooseFiles implements OpenSection {
	readonly #folder: OutputFolder;
	readonly #files: (WrittenFile | null)[] = [];
	readonly #writing = new Set<Promise<void>>();
	#heldBytes = 0;
	#failure: { readonly error: unknown } | null = null;

	constructor(folder: OutputFolder) {
		this.#folder = folder;
	}

	get count(): number {
		return this.#files.length;
	}

	hasRoomFor(): boolean {
		return this.count < MAX_FILES;
	}

	async add({ name, extension, data }: Sample): Promise<void> {
		const isFull = (): boolean =>
			this.#writing.size >= MAX_WRITES || this.#heldBytes + data.byteLength > MAX_HELD_BYTES;
		while (this.#writing.size > 0 && isFull()) await Promise.race(this.#writing);
		this.#check();
		const index = this.#files.push(null) - 1;
		this.#heldBytes += data.byteLength;
		const writing = writeFile(this.#folder, `${name}.${extension}`, data)
			.then(
				(file) => {
					this.#files[index] = file;
				},
				(error: unknown) => {
					this.#failure ??= { error };
				},
			)
			.then(() => {
				this.#heldBytes -= data.byteLength;
				this.#writing.delete(writing);
			});
		this.#writing.add(writing);
	}

	async finish(): Promise<readonly WrittenFile[]> {
		await Promise.all(this.#writing);
		this.#check();
		return this.#files as WrittenFile[];
	}

	/** What was written stays. */
	async discard(): Promise<void> {
		await Promise.all(this.#writing);
	}

	#check(): void {
		if (this.#failure !== null) throw this.#failure.error;
	}
}
