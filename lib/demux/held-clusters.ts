import { MediaError } from '../errors.js';
import { MAX_BYTES_BEFORE_TRACKS } from '../mkv/limits.js';

/** What an item costs beside its media. */
const ITEM_BYTES = 128;

/** Items that are gone on with before events are given out. */
const ITEMS_AT_ONCE = 128;

/**
 * Clusters and blocks that came before the Tracks of their document, in order: what is to be done with each is put off until
 * the Tracks are there. Holds at most {@link MAX_BYTES_BEFORE_TRACKS} of media, as views of their chunks.
 */
export class HeldClusters {
	#items: (() => void)[] = [];
	#done = 0;
	#bytes = 0;
	#hasBlocks = false;
	#isReady = false;

	/** Whether the Tracks are there, and items still held. */
	get isReady(): boolean {
		return this.#isReady;
	}

	/** Whether nothing is held. */
	get isEmpty(): boolean {
		return this.#items.length === 0;
	}

	/** Whether there are blocks among the items. */
	get hasBlocks(): boolean {
		return this.#hasBlocks;
	}

	/** Holds a Cluster's beginning. */
	addCluster(action: () => void, offset: number): void {
		this.#add(action, 0, offset);
	}

	/** Holds a block. Throws {@link MediaError} (`KVS_MEDIA_UNSUPPORTED`) where it is one too many. */
	addBlock(action: () => void, sizeBytes: number, offset: number): void {
		this.#hasBlocks = true;
		this.#add(action, sizeBytes, offset);
	}

	/** The Tracks are there: what is held can be done. */
	tracksHaveCome(): void {
		this.#isReady = !this.isEmpty;
	}

	/** Does what was put off, the next few of it. */
	goOn(): void {
		const end = Math.min(this.#done + ITEMS_AT_ONCE, this.#items.length);
		while (this.#done < end) (this.#items[this.#done++] as () => void)();
		if (this.#done === this.#items.length) this.clear();
	}

	/** Forgets all of it. */
	clear(): void {
		if (this.isEmpty) return;
		this.#items = [];
		this.#done = 0;
		this.#bytes = 0;
		this.#hasBlocks = false;
		this.#isReady = false;
	}

	#add(action: () => void, sizeBytes: number, offset: number): void {
		this.#bytes += sizeBytes + ITEM_BYTES;
		if (this.#bytes > MAX_BYTES_BEFORE_TRACKS) {
			throw new MediaError(
				'KVS_MEDIA_UNSUPPORTED',
				`more than ${MAX_BYTES_BEFORE_TRACKS} bytes of media before the Tracks element, at byte ${offset}; read it as a file instead of a pipe (option \`lateTracks\`), or remux it`,
				{ offset },
			);
		}
		this.#items.push(action);
	}
}
