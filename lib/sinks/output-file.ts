import type { Hash } from 'node:crypto';
import type { AtomicFile } from './atomic-file.js';
import type { Muxer, PlacedFrame } from './muxer.js';

/** One file that is being written: what a muxer makes of fragments, brought to the disk. */
export class OutputFile {
	readonly #file: AtomicFile;
	readonly #muxer: Muxer;
	/** What the muxer's index grew by since it was last asked for. */
	#entries: unknown[] = [];

	/** @param file - a file that is empty, or that holds what the muxer wrote before; given back by `finish`, `leave` or `discard` */
	constructor(file: AtomicFile, muxer: Muxer) {
		this.#file = file;
		this.#muxer = muxer;
	}

	/** Bytes written so far. */
	get sizeBytes(): number {
		return this.#file.sizeBytes;
	}

	/** Writes what the file begins with. */
	async begin(): Promise<void> {
		await this.#file.append(await this.#muxer.begin());
	}

	/** Writes frames, in archive order, and adds the bytes they became to a hash. */
	async write(frames: readonly PlacedFrame[], hash?: Hash): Promise<void> {
		const slices = this.#muxer.fragment(frames, this.#file.sizeBytes);
		this.#entries.push(...this.#muxer.entries());
		if (hash !== undefined) for (const slice of slices) hash.update(slice);
		await this.#file.append(slices);
	}

	/** What another process needs to go on behind what was written so far; `entries` are those since the last call. */
	past(): { readonly sizeBytes: number; readonly state: unknown; readonly entries: readonly unknown[] } {
		const entries = this.#entries;
		this.#entries = [];
		return { sizeBytes: this.#file.sizeBytes, state: this.#muxer.state(), entries };
	}

	/** Writes what comes behind the last frame. The file is not sealed yet. */
	async finish(durationMs: number): Promise<void> {
		const { append, patches } = this.#muxer.finish(this.#file.sizeBytes, durationMs);
		await this.#file.append(append);
		for (const { bytes, position } of patches) await this.#file.patch(bytes, position);
	}
}
