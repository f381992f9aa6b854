import { type Ack, type FeedSummary, InvalidOptionError } from '../../index.js';
import { counted } from '../../wording/counted.js';
import { type ArchiveCommandOptions, archiveOf, parseTag } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { integerOption } from '../integer-option.js';
import { parsePointInTime } from '../point-in-time.js';

/** Options of `feed`. */
export interface FeedCommandOptions extends ArchiveCommandOptions {
	readonly start?: string;
	readonly realtime?: boolean;
	readonly fast?: boolean;
	readonly loop?: boolean;
	readonly tag?: readonly string[];
	readonly create?: boolean;
	readonly retention?: string;
}

/** Puts a file, or Matroska from stdin for `-`, into a stream, as a camera would. */
export async function feed(
	file: string,
	options: FeedCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const { start, realtime, fast, retention } = options;
	if (realtime && fast) throw new InvalidOptionError('--fast', 'left out with --realtime');
	await using archive = archiveOf(options, { terminal });
	const feeding = archive.feed(file === '-' ? process.stdin : file, {
		start: start === undefined ? undefined : parsePointInTime('--start', start, nowMs),
		pace: realtime ? 'realtime' : fast ? 'fast' : undefined,
		loop: options.loop,
		tags: Object.fromEntries((options.tag ?? []).map((text) => parseTag('--tag', text))),
		create: options.create,
		retentionHours: integerOption('--retention', retention),
		onUnreachable: ({ message }) => terminal.say(`${message}; retrying`),
		signal,
	});
	for await (const ack of feeding) {
		if (options.json) await terminal.writeJson([{ type: 'ack', ...ack }]);
		else await terminal.write(ackLines(ack));
	}
	const summary = await feeding.summary;
	for (const omission of summary.omissions) terminal.say(omission);
	terminal.say(summaryLine(summary, archive.client.stream));
	return summary.isComplete ? EXIT.done : EXIT.incomplete;
}

/** For a person: what is stored, and errors. The other acknowledgements are for programs. */
function ackLines({ eventType, fragmentNumber, fragmentTimecode, errorId, errorCode }: Ack): string[] {
	const time = fragmentTimecode === null ? 'no fragment' : new Date(fragmentTimecode).toISOString();
	if (eventType === 'PERSISTED') return [`${fragmentNumber ?? 'no number'}  producer ${time}  stored`];
	if (eventType === 'ERROR')
		return [`${fragmentNumber ?? 'no number'}  producer ${time}  ERROR ${errorId} ${errorCode}`];
	return [];
}

function summaryLine(summary: FeedSummary, stream: string): string {
	const { fragments, stored, refused, frames, bytes, from, to, connections } = summary;
	const parts = [
		`${stored} of ${counted(fragments, 'fragment')} stored`,
		counted(frames, 'frame'),
		`${(bytes / 1e6).toFixed(1)} MB`,
		...(from !== null && to !== null ? [`${from.toISOString()} to ${to.toISOString()}`] : []),
		...(refused.length > 0 ? [`${refused.length} refused`] : []),
		...(connections > 1 ? [`${connections} connections`] : []),
	];
	return `fed ${stream}: ${parts.join(', ')}`;
}
