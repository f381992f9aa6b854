/*
 * node compare.mjs CORPUS SCALE CHUNK_BYTES ROUNDS PROGRAM…: reads a corpus from memory with the programs, by turns, and
 * prints their times as JSON. The first round is not timed.
 */
import { readFileSync } from 'node:fs';
import { corpus } from './corpora.mjs';
import { check, MemorySource, programs } from './programs.mjs';

const [name, scale, chunkBytes, rounds, ...names] = process.argv.slice(2);
const truth = corpus(name, Number(scale));
const bytes = readFileSync(truth.path);
const times = Object.fromEntries(names.map((program) => [program, []]));
for (let round = 0; round <= Number(rounds); round++) {
	for (const program of names) {
		const startedMs = performance.now();
		const seen = await programs[program](new MemorySource(bytes, Number(chunkBytes)));
		const elapsedMs = performance.now() - startedMs;
		check(program, seen, truth);
		if (round > 0) times[program].push(elapsedMs);
	}
}
process.stdout.write(JSON.stringify(times));
