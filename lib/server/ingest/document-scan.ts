import { ID } from '../../ebml/ebml-schema.js';
import type { MediaError } from '../../errors.js';
import { PictureSpan } from '../../gaps/picture-span.js';
import { framesInBlock } from '../../mkv/lacing.js';
import type { MatroskaHandler } from '../../mkv/parser/matroska-handler.js';
import { MatroskaParser } from '../../mkv/parser/matroska-parser.js';
import { DEFAULT_TIMECODE_SCALE_NS, readTimecodeScaleNs } from '../../mkv/segment-info.js';
import { readTags } from '../../mkv/tags.js';
import { readTracks } from '../../mkv/tracks.js';
import { areEqual } from '../../model/bytes.js';
import type { Track } from '../../model/track.js';
import { noteRecordedTags, type RecordedTags } from './recorded-tags.js';

/** One EBML document of a file: where it is and what is in it. */
export interface ScannedDocument extends RecordedTags {
	/** Its first byte. The first document begins with the file, whatever stands before its header. */
	readonly offset: number;
	/** The byte after it: where the next one begins, or the end of the file. */
	end: number;
	tracks: readonly Track[];
	timecodeScaleNs: number;
	/** Frames, those within laced blocks counted each. */
	frames: number;
	/** Numbers of the tracks that have frames. */
	readonly trackNumbersSeen: Set<number>;
	/** Time of the first block in file order, in ticks; null without a block. */
	firstTicks: bigint | null;
	/** Smallest and largest time of a block, in ticks from {@link firstTicks}. */
	minTicks: number;
	maxTicks: number;
	/** Of the first video track alone. */
	readonly pictures: PictureSpan;
}

/**
 * Looks through Matroska once and notes each document's place, tags, tracks and times; keeps no media. Give it the file's
 * bytes in order with {@link write}, then {@link end}. Throws `MediaError` for bytes that are malformed.
 */
export class DocumentScan implements MatroskaHandler {
	/** The documents so far, in file order. */
	readonly documents: ScannedDocument[] = [];
	readonly #parser = new MatroskaParser(this);
	#clusterTicks = 0n;
	#videoTrackNumber: number | null = null;
	#tracksBody: Uint8Array = new Uint8Array(0);

	/** The next bytes of the file. Not kept. */
	write(bytes: Uint8Array): void {
		this.#parser.write(bytes);
	}

	/** Ends the scan. Returns what is wrong with the end of the file where it ends inside an element, of its last document. */
	end(): MediaError | null {
		return this.#parser.end();
	}

	documentStart(offset: number): void {
		this.documents.push({
			offset: this.documents.length === 0 ? 0 : offset,
			end: offset,
			number: null,
			serverMs: null,
			producerMs: null,
			isException: false,
			tracks: [],
			timecodeScaleNs: DEFAULT_TIMECODE_SCALE_NS,
			frames: 0,
			trackNumbersSeen: new Set(),
			firstTicks: null,
			minTicks: 0,
			maxTicks: 0,
			pictures: new PictureSpan(),
		});
	}

	documentEnd(offset: number): void {
		this.#document.end = offset;
	}

	header(id: number, body: Uint8Array, offset: number): void {
		const document = this.#document;
		if (id === ID.Info) document.timecodeScaleNs = readTimecodeScaleNs(body, offset);
		else if (id === ID.Tags) noteRecordedTags(readTags(body, 'before', offset), document);
		else if (id === ID.Tracks) this.#setTracks(document, this.#readTracks(body, offset));
	}

	clusterStart(timecode: bigint): void {
		this.#clusterTicks = timecode;
	}

	block(trackNumber: number, relativeTicks: number, flags: number, bytes: Uint8Array, start: number): void {
		const document = this.#document;
		const ticks = this.#clusterTicks + BigInt(relativeTicks);
		document.firstTicks ??= ticks;
		const sinceFirst = Number(ticks - document.firstTicks);
		document.minTicks = Math.min(document.minTicks, sinceFirst);
		document.maxTicks = Math.max(document.maxTicks, sinceFirst);
		document.frames += framesInBlock(flags, bytes, start);
		document.trackNumbersSeen.add(trackNumber);
		if (trackNumber === this.#videoTrackNumber) document.pictures.add(sinceFirst);
	}

	#setTracks(document: ScannedDocument, tracks: readonly Track[]): void {
		document.tracks = tracks;
		this.#videoTrackNumber = tracks.find(({ type }) => type === 'video')?.number ?? null;
	}

	/** Every chunk of a recording repeats the header; equal ones share their tracks, so that a long one stays small. */
	#readTracks(body: Uint8Array, offset: number): readonly Track[] {
		const previous = this.documents.at(-2)?.tracks;
		if (previous !== undefined && areEqual(this.#tracksBody, body)) return previous;
		this.#tracksBody = Uint8Array.from(body);
		return readTracks(body, offset);
	}

	get #document(): ScannedDocument {
		return this.documents.at(-1) as ScannedDocument;
	}
}
