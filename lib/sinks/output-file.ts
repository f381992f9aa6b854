import type { Hash } from 'node:crypto';
import type { AtomicFile } from '../files/atomic-file.js';
import type { Muxer, PlacedFrame } from '../muxing/muxer.js';

/** What an entry takes in the index of any container at most, and what else follows the last frame. */
const MAX_ENTRY_BYTES = 40;
const MAX_TAIL_BYTES = 512;

/** One file that is being written: what a muxer makes of fragments, brought to the disk. */
export class OutputFile {
	readonly #file: AtomicFile;
	readonly #muxer: Muxer;
	/** What the muxer's index grew by since it was last asked for. */
	#entries: unknown[] = [];
	#entryCount: number;

	/**
	 * @param file - empty, or what the muxer wrote before; stays the caller's
	 * @param entryCount - how much the muxer's index holds already
	 */
	constructor(file: AtomicFile, muxer: Muxer, entryCount = 0) {
		this.#file = file;
		this.#muxer = muxer;
		this.#entryCount = entryCount;
	}

	/** Bytes written so far. */
	get sizeBytes(): number {
		return this.#file.sizeBytes;
	}

	/** What the file would have if it ended here, at most. */
	get maxFinalBytes(): number {
		return this.#file.sizeBytes + MAX_TAIL_BYTES + this.#entryCount * MAX_ENTRY_BYTES;
	}

	/** Writes what the file begins with. */
	async begin(): Promise<void> {
		await this.#file.append(await this.#muxer.begin());
	}

	/** Writes frames, in archive order, and adds the bytes they became to a hash. */
	async write(frames: readonly PlacedFrame[], hash?: Hash): Promise<void> {
		const slices = this.#muxer.fragment(frames, this.#file.sizeBytes);
		const added = this.#muxer.entries();
		this.#entries.push(...added);
		this.#entryCount += added.length;
		if (hash !== undefined) for (const slice of slices) hash.update(slice);
		await this.#file.append(slices);
	}

	/** What another process needs to continue after what was written so far; `entries` are those since the last call. */
	past(): { readonly sizeBytes: number; readonly state: unknown; readonly entries: readonly unknown[] } {
		const entries = this.#entries;
		this.#entries = [];
		return { sizeBytes: this.#file.sizeBytes, state: this.#muxer.state(), entries };
	}

	/** Writes what follows the last frame. The file is not sealed yet. */
	async finish(durationMs: number): Promise<void> {
		const { append, patches } = this.#muxer.finish(this.#file.sizeBytes, durationMs);
		await this.#file.append(append);
		for (const { bytes, position } of patches) await this.#file.patch(bytes, position);
	}
}
