import type { KvsArchive } from '../index.js';

/** The most streams that are open at once; the one that was used least goes first. */
const MAX_OPEN = 16;

/** The archives of the streams that are looked at, each opened once. */
export class OpenArchives implements AsyncDisposable {
	readonly #open: (stream: string) => KvsArchive;
	/** In order of their last use. */
	readonly #archives = new Map<string, KvsArchive>();

	constructor(open: (stream: string) => KvsArchive) {
		this.#open = open;
	}

	/** Throws `InvalidOptionError` for a name that no stream can have. */
	get(stream: string): KvsArchive {
		const archive = this.#archives.get(stream) ?? this.#open(stream);
		this.#archives.delete(stream);
		this.#archives.set(stream, archive);
		const [oldest] = this.#archives;
		if (this.#archives.size > MAX_OPEN && oldest !== undefined) {
			this.#archives.delete(oldest[0]);
			void oldest[1].close();
		}
		return archive;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.all([...this.#archives.values()].map((archive) => archive.close()));
		this.#archives.clear();
	}
}
