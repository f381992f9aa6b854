import { INSPECT, type Inspect, inspected } from './inspected.js';
import { type Tag, tagToJSON } from './tag.js';
import type { Track } from './track.js';

/** A fragment begins. */
export class FragmentEvent {
	readonly type = 'fragment';
	/** 0, 1, 2 … in this stream. */
	readonly index: number;
	/** Null in a file that is not a KVS payload. */
	readonly fragmentNumber: string | null;
	readonly serverTimestamp: Date | null;
	/** Producer time of the fragment's first Cluster. */
	readonly producerTimestamp: Date | null;
	readonly tracks: readonly Track[];
	/** The tags known so far; `fragment-end` has all of them. */
	readonly tags: readonly Tag[];

	constructor(fields: Omit<FragmentEvent, 'type' | 'tag' | 'toJSON' | typeof INSPECT>) {
		this.index = fields.index;
		this.fragmentNumber = fields.fragmentNumber;
		this.serverTimestamp = fields.serverTimestamp;
		this.producerTimestamp = fields.producerTimestamp;
		this.tracks = fields.tracks;
		this.tags = fields.tags;
	}

	/** The value of the first tag of that name among the tags known so far; null where there is none, or it has no value. */
	tag(name: string): string | Uint8Array | null {
		return this.tags.find((tag) => tag.name === name)?.value ?? null;
	}

	/** The documented JSON line. */
	toJSON(): object {
		return Object.assign({}, this, { tags: this.tags.map(tagToJSON) });
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		return inspected('FragmentEvent', Object.assign({}, this), options, inspect);
	}
}

/** A fragment has ended. */
export class FragmentEndEvent {
	readonly type = 'fragment-end';
	readonly index: number;
	readonly fragmentNumber: string | null;
	/** How many frames it had. */
	readonly frames: number;
	/** Sum of the sizes of its frames. */
	readonly bytes: number;
	/** All of its tags, in order. */
	readonly tags: readonly Tag[];
	/** False exactly when a `fragment-failure` came before it. */
	readonly complete: boolean;
	readonly #fragment: FragmentEvent;
	readonly #document: readonly Uint8Array[] | null;

	constructor(
		fragment: FragmentEvent,
		fields: {
			/** Where the tags that name the fragment came after its Cluster: then `fragment` did not have it yet. */
			fragmentNumber?: string | null;
			frames: number;
			bytes: number;
			tags: readonly Tag[];
			complete: boolean;
			document?: readonly Uint8Array[] | null;
		},
	) {
		this.index = fragment.index;
		this.fragmentNumber = fragment.fragmentNumber ?? fields.fragmentNumber ?? null;
		this.frames = fields.frames;
		this.bytes = fields.bytes;
		this.tags = fields.tags;
		this.complete = fields.complete;
		this.#fragment = fragment;
		this.#document = fields.document ?? null;
	}

	/** The event that the fragment began with. */
	get fragment(): FragmentEvent {
		return this.#fragment;
	}

	/**
	 * The fragment as the service sent it, tags of the service included: its Matroska document, in slices that are views of the chunks in
	 * which it came and are not to be written to. Null unless it is whole and `Demuxer` was made with `keepDocuments`.
	 */
	get document(): readonly Uint8Array[] | null {
		return this.#document;
	}

	/** Producer time of the fragment, as in its `fragment` event. */
	get producerTimestamp(): Date | null {
		return this.#fragment.producerTimestamp;
	}

	/** Server time of the fragment, as in its `fragment` event. */
	get serverTimestamp(): Date | null {
		return this.#fragment.serverTimestamp;
	}

	/** The value of the first tag of that name; null where there is none, or it has no value. */
	tag(name: string): string | Uint8Array | null {
		return this.tags.find((tag) => tag.name === name)?.value ?? null;
	}

	/** The documented JSON line. */
	toJSON(): object {
		return Object.assign({}, this, { tags: this.tags.map(tagToJSON) });
	}

	[INSPECT](_depth: number, options: object, inspect: Inspect): string {
		const { producerTimestamp, serverTimestamp } = this;
		return inspected(
			'FragmentEndEvent',
			Object.assign({}, this, { producerTimestamp, serverTimestamp }),
			options,
			inspect,
		);
	}
}
