import { type ClipStream, type ClipSummary, InvalidOptionError } from '../../index.js';
import { counted } from '../../wording/counted.js';
import { checkLocalPath } from '../../wording/local-path.js';
import {
	type ArchiveCommandOptions,
	type AroundCommandOptions,
	archiveOf,
	rangeOrAround,
} from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import type { Terminal } from '../terminal.js';

/** Options of `clip`. */
export interface ClipCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly output?: string;
}

/** Writes a range into one MP4 file that the service makes. */
export async function clip(options: ClipCommandOptions, context: CommandContext): Promise<number> {
	const { terminal, signal } = context;
	const { output, json } = options;
	if (output === undefined) {
		throw new InvalidOptionError('-o', 'given: the file to write, or - for stdout');
	}
	if (output !== '-') {
		const expected = 'a file name that ends in .mp4, or - for stdout';
		checkLocalPath('-o', output, expected);
		// Players and later readers go by the ending.
		if (!/\.mp4$/i.test(output)) throw new InvalidOptionError('-o', expected, output);
	}
	if (output === '-' && json) throw new InvalidOptionError('--json', 'left out with -o -', json);
	await using archive = archiveOf(options, context);
	const range = await rangeOrAround(archive, options, context);
	const stream = archive.clip(range, { signal });
	const summary = output === '-' ? await write(stream, terminal) : await stream.saveTo(output);
	if (json) await terminal.writeJson([{ type: 'summary', file: output, ...summary }]);
	else for (const line of summaryLines(output, summary)) terminal.say(line);
	return summary.isComplete ? EXIT.done : EXIT.incomplete;
}

async function write(stream: ClipStream, terminal: Terminal): Promise<ClipSummary> {
	for await (const chunk of stream) await terminal.writeBytes(chunk as Uint8Array);
	return stream.summary;
}

function summaryLines(output: string, { parts, ...summary }: ClipSummary): string[] {
	const counts = [
		counted(summary.fragments, 'fragment'),
		`${(summary.durationMs / 1000).toFixed(3)} s`,
		counted(summary.bytes, 'byte'),
		...(parts.length > 1 ? [`joined from ${parts.length} clips`] : []),
		counted(summary.calls, 'call'),
		`${(summary.elapsedMs / 1000).toFixed(1)} s`,
		...(summary.throttled > 0 ? [`${summary.throttled} throttled`] : []),
	];
	const short = parts.filter(({ isShort }) => isShort);
	return [
		`wrote ${output === '-' ? 'the clip' : output}: ${counts.join(', ')}`,
		...short.map(
			({ from, to, durationMs }) =>
				`  from ${from.toISOString()} to ${to.toISOString()} the service gave ${(durationMs / 1000).toFixed(3)} s, less than its fragments last: it cut the clip short, or left out what overlaps`,
		),
	];
}
