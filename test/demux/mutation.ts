import { readFileSync } from 'node:fs';
import { ID } from '#lib/ebml/ebml-schema.js';
import { MediaError } from '#lib/errors.js';
import { MatroskaParser } from '#lib/mkv/parser/matroska-parser.js';
import { cutAt, grammarFault, readEvents } from './read-events.js';

/** Random numbers that a seed repeats (mulberry32). */
export class Random {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** A whole number from 0 to below `limit`. */
	below(limit: number): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
		value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
		return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * limit);
	}

	/** One of several. */
	of<T>(choices: readonly T[]): T {
		return choices[this.below(choices.length)] as T;
	}
}

/** Bytes to be broken, and where in them there is structure, where breaking is worth more than within a frame. */
export interface Input {
	readonly name: string;
	readonly bytes: Buffer;
	readonly places: readonly number[];
}

/** Finds the places of structure: the beginnings of elements, and a place some way into each. */
export function inputOf(name: string, bytes: Buffer): Input {
	const places: number[] = [];
	const note = (offset: number): void => {
		places.push(offset);
	};
	const parser = new MatroskaParser({
		documentStart: note,
		header: (_id, body, offset) => {
			for (let at = offset; at < offset + Math.min(body.byteLength, 600); at += 3) note(at);
		},
		clusterStart: (_timecode, offset) => note(offset),
		block: (_track, _ticks, _flags, _bytes, _start, _end, _duration, offset) => note(offset),
		documentEnd: note,
	});
	parser.write(bytes);
	return { name, bytes, places };
}

/** The first bytes of a file. */
export function inputOfFile(path: string, maxBytes: number): Input {
	return inputOf(path, readFileSync(path).subarray(0, maxBytes));
}

const interestingBytes = [
	0x00, 0x01, 0x08, 0x10, 0x1a, 0x40, 0x7f, 0x80, 0x81, 0xa0, 0xa3, 0xbf, 0xec, 0xfe, 0xff,
];
const interestingIds = Object.values(ID).map((id) => Buffer.from(id.toString(16), 'hex'));

/** The input with one to four things wrong: bits, bytes, sizes, ids, cuts, repetitions, strange insertions. */
export function mutate({ bytes, places }: Input, random: Random): Buffer {
	let mutated = Buffer.from(bytes);
	for (let count = 1 + random.below(4); count > 0 && mutated.byteLength > 0; count--) {
		const near =
			random.below(8) === 0 ? random.below(mutated.byteLength) : random.of(places) + random.below(16);
		const place = Math.min(near, mutated.byteLength - 1);
		const [before, after] = [mutated.subarray(0, place), mutated.subarray(place)];
		switch (random.below(8)) {
			case 0:
				mutated[place] = (mutated[place] as number) ^ (1 << random.below(8));
				break;
			case 1:
				mutated[place] = random.of(interestingBytes);
				break;
			case 2:
				mutated = Buffer.concat([
					before,
					Buffer.from(Array.from({ length: 1 + random.below(9) }, () => random.below(256))),
					after,
				]);
				break;
			case 3:
				mutated = Buffer.concat([before, after.subarray(1 + random.below(random.of([4, 64, 5000])))]);
				break;
			case 4:
				if (random.below(4) === 0) mutated = Buffer.from(before);
				break;
			case 5:
				mutated = Buffer.concat([
					before,
					random.of(interestingIds),
					Buffer.of(random.of(interestingBytes)),
					after,
				]);
				break;
			case 6:
				mutated.fill(random.of([0, 0xff]), place, Math.min(mutated.byteLength, place + 1 + random.below(8)));
				break;
			default:
				mutated = Buffer.concat([before, after.subarray(0, random.below(3000)), after]);
		}
	}
	return mutated;
}

/** What is wrong with how the bytes are read, whatever they are; null where nothing is. */
export function faultOf(bytes: Buffer, places: readonly number[], resync: boolean): string | null {
	const { events, error } = readEvents(cutAt(bytes, places), { resync });
	if (error !== null && !(error instanceof MediaError)) return `threw ${(error as Error).stack}`;
	if (error !== null && resync) return `threw though it should resync: ${(error as Error).message}`;
	if (
		error instanceof MediaError &&
		(error.offset === null || error.offset < 0 || error.offset > bytes.byteLength)
	) {
		return `the offset is ${error.offset} of ${bytes.byteLength}`;
	}
	if (events.length > bytes.byteLength + 2) return `${events.length} events of ${bytes.byteLength} bytes`;
	const fault = grammarFault(events);
	if (fault !== null) return fault;
	const whole = readEvents([bytes], { resync });
	if (String(whole.error) !== String(error)) return `cut: ${String(error)}, whole: ${String(whole.error)}`;
	if (whole.events.length !== events.length)
		return `cut: ${events.length} events, whole: ${whole.events.length}`;
	const differing = events.findIndex(
		(event, index) => JSON.stringify(event) !== JSON.stringify(whole.events[index]),
	);
	if (differing >= 0)
		return `event ${differing} depends on where the bytes are cut: ${JSON.stringify(events[differing])}`;
	return null;
}
