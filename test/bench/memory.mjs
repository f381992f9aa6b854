/* node memory.mjs CORPUS SCALE PROGRAM: reads a corpus from its file and prints the peak memory of this process in MiB. */
import { createReadStream } from 'node:fs';
import { corpus } from './corpora.mjs';
import { check, programs } from './programs.mjs';

const [name, scale, program] = process.argv.slice(2);
const truth = corpus(name, Number(scale));
check(program, await programs[program](createReadStream(truth.path, { highWaterMark: 64 * 1024 })), truth);
process.stdout.write(String(process.resourceUsage().maxRSS / 1024));
