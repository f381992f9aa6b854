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

/** How a run went. */
export interface FuzzReport {
	readonly cases: number;
	readonly seed: number;
	/** Milliseconds of the slowest case. */
	readonly slowestMs: number;
	/** Growth of the process's memory from a tenth of the way to the end, after collecting garbage where that is possible. */
	readonly growthBytes: number;
	/** Null where all went well. */
	readonly fault: string | null;
	/** The bytes that did it. */
	readonly bytes: Buffer | null;
}

/** A case that takes longer than this hangs. */
const MAX_CASE_MS = 10_000;

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
	let slowestMs = 0;
	let baseBytes = 0;
	for (let index = 0; index < cases; index++) {
		if (index === Math.floor(cases / 10)) baseBytes = usedBytes();
		const random = new Random(seed + index);
		const bytes = mutate(random.of(inputs), random);
		const places = Array.from({ length: random.below(6) }, () => random.below(bytes.byteLength + 1));
		const startedMs = performance.now();
		const fault = faultOf(bytes, places, random.below(2) === 0);
		const elapsedMs = performance.now() - startedMs;
		slowestMs = Math.max(slowestMs, elapsedMs);
		const problem = fault ?? (elapsedMs > MAX_CASE_MS ? `took ${Math.round(elapsedMs)} ms` : null);
		if (problem !== null) {
			return { cases: index, seed, slowestMs, growthBytes: 0, fault: `case ${index}: ${problem}`, bytes };
		}
		if (index % 1000 === 999) onProgress(index + 1);
	}
	return { cases, seed, slowestMs, growthBytes: usedBytes() - baseBytes, fault: null, bytes: null };
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
	const { slowestMs, growthBytes, fault, bytes } = report;
	if (fault === null) {
		const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
		const growth = (growthBytes / 2 ** 20).toFixed(1);
		process.stdout.write(
			`${cases} cases in ${seconds} s, none broke it (seed ${seed}, slowest ${slowestMs.toFixed(0)} ms, memory ${growth} MiB up)\n`,
		);
	} else {
		const file = join(tmpdir(), `kvs-archive-fuzz-${seed}-${report.cases}.bin`);
		if (bytes !== null) writeFileSync(file, bytes);
		process.stderr.write(`seed ${seed}, ${fault}\nthe bytes are in ${file}\n`);
		process.exitCode = 1;
	}
}
