import { idOf } from '../ebml/ebml-schema.js';
import { element, float, type Slices, string, unsigned } from '../ebml/ebml-writer.js';
import { childrenOf, readFloat, readString, readUnsignedNumber } from '../ebml/element-body.js';
import { areEqual } from '../model/bytes.js';
import type { Track } from '../model/track.js';
import { elementOf } from './matroska-writer.js';

/** A child of an element, by its id. */
interface Child {
	readonly id: number;
	readonly body: Uint8Array;
}

/** Elements that are right for the width, the height or the rate that is replaced, and for no other. */
const OF_WIDTH = ['PixelCropLeft', 'PixelCropRight', 'DisplayWidth'];
const OF_HEIGHT = ['PixelCropTop', 'PixelCropBottom', 'DisplayHeight'];
const OF_RATE = ['OutputSamplingFrequency'];

/** What it means that an Audio element does not say it (Matroska §5.1.4.1.29). */
const DEFAULT_RATE_HZ = 8000;
const DEFAULT_CHANNELS = 1;

/**
 * The body of a TrackEntry that says what `track` does: CodecID, CodecPrivate, the size of the video, the rate, channels and depth of
 * audio. Every other element is the producer's, byte for byte and in its place, and so are these where they agree: where
 * all do, these are the bytes of `track.entry`.
 */
export function trackEntry(track: Track): Uint8Array {
	const children = new Children(track.entry);
	children.say('CodecID', string('CodecID', track.codecId), (body) => text(body) === track.codecId);
	const { codecPrivate } = track;
	if (codecPrivate === null) children.drop('CodecPrivate');
	else {
		const isSame = (body: Uint8Array): boolean => areEqual(body, codecPrivate);
		children.say('CodecPrivate', element('CodecPrivate', [codecPrivate]), isSame);
	}
	if (track.type === 'video') children.within('Video', (video) => sayVideo(video, track));
	if (track.type === 'audio') children.within('Audio', (audio) => sayAudio(audio, track));
	return children.isChanged ? children.bytes() : track.entry;
}

function sayVideo(video: Children, { width, height }: Track): void {
	video.sayNumber('PixelWidth', width, { dependents: OF_WIDTH });
	video.sayNumber('PixelHeight', height, { dependents: OF_HEIGHT });
}

function sayAudio(audio: Children, { sampleRate, channels, bitDepth }: Track): void {
	audio.sayNumber('SamplingFrequency', sampleRate, {
		absent: DEFAULT_RATE_HZ,
		isFloat: true,
		dependents: OF_RATE,
	});
	audio.sayNumber('Channels', channels, { absent: DEFAULT_CHANNELS });
	audio.sayNumber('BitDepth', bitDepth);
}

/** The children of an element while they are being put right. */
class Children {
	isChanged = false;
	#all: Child[];

	constructor(body: Uint8Array) {
		this.#all = [...childrenOf(body)];
	}

	bytes(): Uint8Array {
		return Buffer.concat(this.#all.flatMap(({ id, body }) => elementOf(id, [body])));
	}

	/** Puts an element in the place of the one that is not right, or at the end where there is none. */
	say(name: string, replacement: Slices, isRight: (body: Uint8Array) => boolean): void {
		const id = idOf(name);
		const index = this.#all.findIndex((child) => child.id === id);
		const own = this.#all[index];
		if (own !== undefined && isRight(own.body)) return;
		const [child] = childrenOf(Buffer.concat(replacement));
		if (child === undefined) return;
		if (own === undefined) this.#all.push(child);
		else this.#all[index] = child;
		this.isChanged = true;
	}

	/** As `say`; `absent` is what it means that the element is not there. Of `dependents` none stay where a number is replaced. */
	sayNumber(
		name: string,
		value: number | undefined,
		{
			absent,
			isFloat = false,
			dependents = [],
		}: { absent?: number; isFloat?: boolean; dependents?: readonly string[] } = {},
	): void {
		const own = this.#all.find(({ id }) => id === idOf(name));
		if (value === undefined || (own === undefined && value === absent)) return;
		const read = isFloat ? readFloat : readUnsignedNumber;
		const isRight = own !== undefined && read({ ...own, offset: 0 }) === value;
		if (isRight) return;
		this.say(name, isFloat ? float(name, value) : unsigned(name, value), () => false);
		if (own !== undefined) for (const dependent of dependents) this.drop(dependent);
	}

	/** Takes an element away. */
	drop(name: string): void {
		const rest = this.#all.filter(({ id }) => id !== idOf(name));
		if (rest.length === this.#all.length) return;
		this.#all = rest;
		this.isChanged = true;
	}

	/** Puts the children of a child right, which is added where there is none and something is to be said. */
	within(name: string, say: (children: Children) => void): void {
		const own = this.#all.find(({ id }) => id === idOf(name));
		const children = new Children(own?.body ?? new Uint8Array(0));
		say(children);
		if (children.isChanged) this.say(name, element(name, [children.bytes()]), () => false);
	}
}

function text(body: Uint8Array): string {
	return readString({ id: 0, body, offset: 0 }).trimEnd();
}
