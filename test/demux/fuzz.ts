/*
 * Breaks payloads in every way it can think of, and reads them.
 *
 *     node build/test/demux/fuzz.js [cases] [seed]
 *
 * A failure names the seed and the case, and writes the bytes to a file: add them to fuzz-findings.ts when it is mended.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { anyDocument, bytesOf } from './document-model.js';
import { faultOf, type Input, inputOf, inputOfFile, mutate, Random } from './mutation.js';
import { cutAt, grammarFault, readEvents } from './read-events.js';
import {
	floodCase,
	stampedDocuments,
	type TouchingCase,
	touchingCase,
	touchingFault,
} from './touching-documents.js';

/** How a run went. */
export interface FuzzReport {
	readonly cases: number;
	readonly seed: number;
	/** Processor time of the slowest case by its size, and its size. */
	readonly slowest: { readonly msPerMb: number; readonly sizeBytes: number };
	/** Growth of the process's memory from a tenth of the way to the end, after collecting garbage where that is possible. */
	readonly growthBytes: number;
	/** Intact documents that came out, all with their frames. */
	readonly intact: number;
	/** Null where all went well. */
	readonly fault: string | null;
	/** The bytes that did it. */
	readonly bytes: Buffer | null;
}

/** A case that takes longer than this for each MB is too slow. */
const MAX_MS_PER_MB = 1000;

/** A smaller case counts as large as this: the process collects garbage and compiles as well. */
const MIN_SIZE_MB = 0.1;

/** Of how many cases one is a capture or documents of all kinds, damaged anywhere, and one is a flood. */
const CASES_A_CAPTURE = 100;
const CASES_A_FLOOD = 2000;
const STAMPED_DOCUMENTS = 500;

/** Real captures, where they are at hand, and generated documents with everything in them that captures do not have. */
export function fuzzInputs(seed: number): Input[] {
	const directory = resolve(process.env['KVS_SAMPLES'] ?? '../shared/samples');
	const files = [
		'output_get_media.mkv',
		'output_get_media_sparse_fragments.mkv',
		'clusters.mkv',
		'vogels_480.mkv',
	]
		.map((name) => join(directory, name))
		.filter((path) => existsSync(path))
		.map((path) => inputOfFile(path, 560_000));
	const documents = fc.sample(fc.array(anyDocument, { minLength: 1, maxLength: 3 }), { numRuns: 60, seed });
	return [
		...files,
		...documents.map((models, index) => inputOf(`documents ${index}`, Buffer.concat(models.map(bytesOf)))),
	];
}

/** Runs so many cases. */
export function fuzz(cases: number, seed: number, onProgress: (done: number) => void = () => {}): FuzzReport {
	const inputs = fuzzInputs(seed);
	const pool = stampedDocuments(STAMPED_DOCUMENTS, seed);
	let slowest = { msPerMb: 0, sizeBytes: 0 };
	let baseBytes = 0;
	let intact = 0;
	for (let index = 0; index < cases; index++) {
		if (index === Math.floor(cases / 10)) baseBytes = usedBytes();
		const random = new Random(seed + index);
		const isCapture = index % CASES_A_CAPTURE === 0;
		const made = index % CASES_A_FLOOD === 1 ? floodCase(pool, random) : touchingCase(pool, random);
		const bytes = isCapture ? mutate(random.of(inputs), random) : made.bytes;
		const sizeMb = Math.max(MIN_SIZE_MB, bytes.byteLength / 1e6);
		const startedMs = performance.now();
		const fault = isCapture ? faultOfCapture(bytes, random) : faultOfDocuments(made, random);
		let msPerMb = (performance.now() - startedMs) / sizeMb;
		// Other processes may have had the processor meanwhile.
		if (msPerMb > slowest.msPerMb)
			msPerMb = Math.min(msPerMb, ...[1, 2, 3].map(() => readingMs(bytes) / sizeMb));
		if (msPerMb > slowest.msPerMb) slowest = { msPerMb, sizeBytes: bytes.byteLength };
		const isSlow = msPerMb > MAX_MS_PER_MB;
		const problem = fault ?? (isSlow ? `slow: ${Math.round(msPerMb)} ms a MB` : null);
		if (problem !== null) {
			return {
				cases: index,
				seed,
				slowest,
				growthBytes: 0,
				intact,
				fault: `case ${index}: ${problem}`,
				bytes,
			};
		}
		if (!isCapture) intact += made.documents.filter((document) => bytes.includes(document.bytes)).length;
		if (index % 1000 === 999) onProgress(index + 1);
	}
	return { cases, seed, slowest, growthBytes: usedBytes() - baseBytes, intact, fault: null, bytes: null };
}

/** How the bytes of any input are read: in some chunks as in one, and into events that keep to their grammar. */
function faultOfCapture(bytes: Buffer, random: Random): string | null {
	const places = Array.from({ length: random.below(6) }, () => random.below(bytes.byteLength + 1));
	return faultOf(bytes, places, random.below(2) === 0);
}

function faultOfDocuments(made: TouchingCase, random: Random): string | null {
	const { bytes } = made;
	const places = Array.from({ length: random.below(4) }, () => random.below(bytes.byteLength + 1));
	const { events, error } = readEvents(cutAt(bytes, places), { resync: true });
	if (error !== null) return `threw ${(error as Error).stack}`;
	const fault = touchingFault(made, events);
	if (fault !== null) return `${fault.kind}: ${fault.message}`;
	return random.below(8) === 0 ? faultOf(bytes, places, random.below(2) === 0) : grammarFault(events);
}

/** Processor time that reading the bytes once takes. */
function readingMs(bytes: Buffer): number {
	const before = process.cpuUsage();
	readEvents([bytes], { resync: true });
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1000;
}

/** The process's memory, which a claim of 256 MiB that is never filled does not add to. */
function usedBytes(): number {
	globalThis.gc?.();
	return process.memoryUsage.rss();
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === resolve(process.argv[1])) {
	const cases = Number(process.argv[2] ?? 20_000);
	const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
	const startedMs = performance.now();
	const report = fuzz(cases, seed, (done) => process.stderr.write(`\r${done} of ${cases}`));
	process.stderr.write('\n');
	const { slowest, growthBytes, intact, fault, bytes } = report;
	if (fault === null) {
		const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
		const growth = (growthBytes / 2 ** 20).toFixed(1);
		process.stdout.write(
			`${cases} cases in ${seconds} s (seed ${seed}): no fragment merged, none lost of ${intact} intact documents, ` +
				`none slower than 1 s a MB (slowest ${slowest.msPerMb.toFixed(0)} ms a MB, ${slowest.sizeBytes} bytes), ` +
				`memory ${growth} MiB up\n`,
		);
	} else {
		const file = join(tmpdir(), `kvs-archive-fuzz-${seed}-${report.cases}.bin`);
		if (bytes !== null) writeFileSync(file, bytes);
		process.stderr.write(`seed ${seed}, ${fault}\nthe bytes are in ${file}\n`);
		process.exitCode = 1;
	}
}
