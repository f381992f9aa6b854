import { malformed } from '../ebml/element-header.js';
import { MAX_DOCUMENT_TAGS } from '../mkv/limits.js';
import { DEFAULT_TIMECODE_SCALE_NS, readTimecodeScaleNs } from '../mkv/segment-info.js';
import { areEqual } from '../model/bytes.js';
import type { Tag } from '../model/tag.js';
import type { Track } from '../model/track.js';
import { ServiceTagReader } from './service-tags.js';

/**
 * What a Matroska document says of itself outside its Clusters: TimecodeScale, tracks, tags, and what the service says in
 * them.
 *
 * Info and Tracks may be repeated as they are (RFC 9559: recurring); others after the first Cluster are those of another
 * document, and malformed.
 */
export class DocumentHeader {
	#scaleNs = DEFAULT_TIMECODE_SCALE_NS;
	#infoBody: Uint8Array | null = null;
	#tracks: readonly Track[] | null;
	#exceptionOffset: number | null = null;
	readonly #tags: Tag[] = [];
	readonly #service = new ServiceTagReader();

	/** @param tracks - where they are known before the document's own Tracks are read */
	constructor(tracks: readonly Track[] | null = null) {
		this.#tracks = tracks;
	}

	/** Nanoseconds of a tick. */
	get scaleNs(): number {
		return this.#scaleNs;
	}

	/** Null until the Tracks have come. */
	get tracks(): readonly Track[] | null {
		return this.#tracks;
	}

	/** In order; grows until the document ends. */
	get tags(): readonly Tag[] {
		return this.#tags;
	}

	/** What the service says in the tags so far. */
	get service(): ServiceTagReader {
		return this.#service;
	}

	/** Where the tags that report an in-band exception stood. */
	get exceptionOffset(): number | null {
		return this.#exceptionOffset;
	}

	/** An Info element; `hasBegun` where the fragment has. */
	setInfo(body: Uint8Array, offset: number, hasBegun: boolean): void {
		if (!hasBegun) this.#infoBody = new Uint8Array(body);
		else if (this.#infoBody !== null && !areEqual(this.#infoBody, body))
			throw malformed('another Info after the first Cluster', offset);
		const scaleNs = readTimecodeScaleNs(body, offset);
		if (hasBegun && scaleNs !== this.#scaleNs)
			throw malformed(`a TimecodeScale of ${scaleNs} ns after the first Cluster`, offset);
		this.#scaleNs = scaleNs;
	}

	/** The tracks of a Tracks element; `hasBegun` where the fragment has. */
	setTracks(tracks: readonly Track[], offset: number, hasBegun: boolean): void {
		if (hasBegun && tracks !== this.#tracks)
			throw malformed('another Tracks after the first Cluster', offset);
		this.#tracks = tracks;
	}

	/** The tags of a Tags element. */
	addTags(tags: readonly Tag[], offset: number): void {
		for (const tag of tags) this.#tags.push(tag);
		if (this.#tags.length > MAX_DOCUMENT_TAGS)
			throw malformed(`more than ${MAX_DOCUMENT_TAGS} tags in a document`, offset);
		const fault = this.#service.add(tags);
		if (fault !== null) throw malformed(fault, offset);
		if (this.#exceptionOffset === null && this.#service.exception !== null) this.#exceptionOffset = offset;
	}
}
