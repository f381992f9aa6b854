import fc from 'fast-check';
import { elementHeader, string } from '#lib/ebml/ebml-writer.js';
import { ebmlHeader } from '#lib/mkv/matroska-writer.js';
import type { MediaEvent } from '#lib/model/media-event.js';
import { anyDocument, bytesOf, type DocumentModel } from './document-model.js';
import { type Input, inputOf, mutate, type Random } from './mutation.js';

/** A document whose frames are known again wherever they come out. */
export interface StampedDocument extends Input {
	readonly fragmentNumber: string;
	/** Its frames, in order, as text. */
	readonly frames: readonly string[];
	/** From its Segment up to its first Cluster: where this is whole, another document begins. */
	readonly head: Buffer;
	/** Whether it has a time that no date can hold: then it fails, wherever it is. */
	readonly isImpossible: boolean;
}

/** Documents one after the other, damaged. */
export interface TouchingCase {
	readonly documents: readonly StampedDocument[];
	readonly bytes: Buffer;
}

const STAMP = /^<(\d+)>/;
const MAX_TIMECODE = 2n ** 64n - 1n;

/** Documents of every kind, each with a number of its own in its frames; every fifth has an impossible time. */
export function stampedDocuments(count: number, seed: number): StampedDocument[] {
	const models = fc.sample(anyDocument, { numRuns: count, seed });
	return models.map((model, index) => stamped(model, index, index % 5 === 4));
}

function stamped(model: DocumentModel, id: number, isImpossible: boolean): StampedDocument {
	let frameNumber = 0;
	const stamp = (): Buffer => Buffer.from(`<${id}>${frameNumber++}|`.padEnd(16, '.'));
	const [first = { timecode: 0n, size: model.segment, blocks: [], clutter: [] }, ...others] = model.clusters;
	const clusters = [first, ...others].map((cluster, index) => ({
		...cluster,
		timecode: isImpossible && index === 0 ? MAX_TIMECODE - BigInt(id) : cluster.timecode,
		blocks: cluster.blocks.map((block) => ({
			...block,
			// Frames of one size may be laced as such.
			frames: block.frames.map(() => stamp()),
		})),
	}));
	const document: DocumentModel = {
		...model,
		clusters,
		fragmentNumber: String(2n ** 156n + BigInt(id)),
		scaleNs: isImpossible ? 1_000_000 : model.scaleNs,
	};
	const bytes = bytesOf(document);
	const segmentAt = bytes.indexOf('18538067', 0, 'hex');
	const clusterAt = bytes.indexOf('1f43b675', segmentAt, 'hex');
	return {
		...(isImpossible
			? { name: `impossible ${id}`, bytes, places: placesOf(bytes) }
			: inputOf(`stamped ${id}`, bytes)),
		fragmentNumber: document.fragmentNumber,
		frames: clusters.flatMap(({ blocks }) => blocks.flatMap(({ frames }) => frames.map(String))),
		head: bytes.subarray(segmentAt, clusterAt),
		isImpossible,
	};
}

/** Where bytes may be broken of a document that the parser does not read to its end. */
function placesOf(bytes: Buffer): number[] {
	return Array.from({ length: Math.ceil(bytes.byteLength / 7) }, (_, index) => index * 7);
}

/** What looks like the beginning of a document, or like one without its beginning. */
const falseCandidates: readonly Buffer[] = [
	Buffer.from('1a45dfa3', 'hex'),
	Buffer.from('1a45dfa34fff', 'hex'),
	Buffer.from('1a45dfa3840000', 'hex'),
	Buffer.from('1a45dfa3ff', 'hex'),
	Buffer.from('1a', 'hex'),
	Buffer.concat([Buffer.from('1a45dfa34fff', 'hex'), ...string('DocType', 'matroska')]),
	Buffer.concat(ebmlHeader()),
	Buffer.from(elementHeader('Segment', 0, { isSizeUnknown: true })),
];

/** Two to four documents that touch, with damage in them and false candidates in, before and after them. */
export function touchingCase(pool: readonly StampedDocument[], random: Random): TouchingCase {
	const chosen = new Set<StampedDocument>();
	const count = 2 + random.below(3);
	while (chosen.size < count) chosen.add(random.of(pool));
	const documents = [...chosen];
	const victims = new Set(Array.from({ length: 1 + random.below(2) }, () => random.of(documents)));
	const parts = documents.map((document) =>
		victims.has(document) ? mutate(document, random) : document.bytes,
	);
	let bytes = Buffer.concat(parts);
	if (random.below(6) === 0) {
		// One bit of the bytes by which the last document begins: it must not become part of the one before it.
		const place = bytes.byteLength - (parts.at(-1) as Buffer).byteLength + random.below(60);
		if (place < bytes.byteLength) bytes[place] = (bytes[place] as number) ^ (1 << random.below(8));
	}
	if (random.below(3) === 0) {
		const boundary = parts
			.slice(0, 1 + random.below(parts.length))
			.reduce((sum, part) => sum + part.byteLength, 0);
		const place = random.below(2) === 0 ? boundary : random.below(bytes.byteLength + 1);
		const candidate = random.of(falseCandidates);
		bytes = Buffer.concat([bytes.subarray(0, place), candidate, bytes.subarray(place)]);
	}
	// What lies across a border may be missing as well.
	if (random.below(8) === 0) {
		const place = random.below(bytes.byteLength);
		bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + random.below(200))]);
	}
	return { documents, bytes };
}

/** Half a MB of false candidates, one after the other, between two documents that are intact. */
export function floodCase(pool: readonly StampedDocument[], random: Random): TouchingCase {
	const [before, after] = [random.of(pool), random.of(pool)];
	const filler = Buffer.from(Array.from({ length: random.below(6) }, () => random.below(256)));
	const one = Buffer.concat([random.of(falseCandidates), filler, random.of(falseCandidates)]);
	const flood = Buffer.alloc(500_000, one);
	return {
		documents: [before, after],
		bytes: Buffer.concat([before.bytes, Buffer.alloc(1), flood, after.bytes]),
	};
}

/** What is wrong with what was read, with `resync`, of damaged documents that touch. */
export type TouchingFault = { readonly kind: 'merged' | 'lost' | 'impossible'; readonly message: string };

/** Null where no fragment has frames of two documents, and every document whose bytes are all there came out. */
export function touchingFault(
	{ documents, bytes }: TouchingCase,
	events: readonly MediaEvent[],
): TouchingFault | null {
	const fragments: { number: string | null; frames: string[] }[] = [];
	for (const event of events) {
		if (event.type === 'fragment') fragments.push({ number: event.fragmentNumber, frames: [] });
		else if (event.type === 'frame')
			fragments.at(-1)?.frames.push(Buffer.from(event.data).toString('latin1'));
		else if (event.type === 'fragment-end')
			Object.assign(fragments.at(-1) ?? {}, { number: event.fragmentNumber });
		const times =
			event.type === 'frame' ? [event.timestamp] : event.type === 'gap' ? [event.from, event.to] : [];
		if (times.some((time) => time !== null && Number.isNaN(time.getTime()))) {
			return { kind: 'impossible', message: `an invalid Date in a ${event.type}` };
		}
	}
	for (const { frames, number } of fragments) {
		const merged = mergedIn(frames, documents, bytes);
		if (merged !== null) return { kind: 'merged', message: `fragment ${number} has frames of ${merged}` };
	}
	for (const document of documents) {
		if (document.isImpossible || !bytes.includes(document.bytes)) continue;
		const isThere = fragments.some(
			({ number, frames }) =>
				number === document.fragmentNumber &&
				document.frames.every((frame, index) => frame === frames[index]),
		);
		if (!isThere) return { kind: 'lost', message: `${document.name} is intact and did not come out` };
	}
	return null;
}

/** Frames of two documents one after the other, though between them the second one begins. */
function mergedIn(
	frames: readonly string[],
	documents: readonly StampedDocument[],
	bytes: Buffer,
): string | null {
	let before: string | undefined;
	let at = 0;
	for (const frame of frames) {
		const id = STAMP.exec(frame)?.[1];
		if (id === undefined) continue;
		const place = Math.max(at, bytes.indexOf(frame, at, 'latin1'));
		if (before !== undefined && id !== before) {
			const between = bytes.subarray(at, place);
			if (documents.some(({ head }) => between.includes(head))) return `documents ${before} and ${id}`;
		}
		before = id;
		at = place;
	}
	return null;
}
