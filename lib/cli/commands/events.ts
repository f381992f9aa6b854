import type { MediaEvent } from '../../index.js';
import { RANGE_ADVICE } from '../../wording/advice.js';
import { counted } from '../../wording/counted.js';
import {
	type ArchiveCommandOptions,
	type AroundCommandOptions,
	archiveOf,
	rangeOrAround,
	whereOf,
} from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { eventLine } from '../event-lines.js';
import { EXIT } from '../exit.js';
import { parseTracks } from '../track-list.js';

/** Options of `events`. */
export interface EventsCommandOptions extends ArchiveCommandOptions, AroundCommandOptions {
	readonly tracks?: string;
	readonly where?: readonly string[];
}

/** Prints every event of a range. */
export async function events(options: EventsCommandOptions, context: CommandContext): Promise<number> {
	const tracks = parseTracks(options.tracks);
	const where = whereOf(options);
	await using archive = archiveOf(options, context);
	const range = await rangeOrAround(archive, options, context);
	const stream = archive.events(range, { signal: context.signal, tracks, where });
	await printEvents(stream.batches(), options, context);
	const { fragments, skipped, isComplete } = await stream.summary;
	if (fragments === 0) context.terminal.say(`no fragments in the range; ${RANGE_ADVICE}`);
	else if (skipped > 0)
		context.terminal.say(`${skipped} of ${counted(fragments, 'fragment')} left out by --where`);
	return isComplete ? EXIT.done : EXIT.incomplete;
}

/** Prints batches of events as lines, in JSON or for a person. Returns how many there were, and how many of failures. */
export async function printEvents(
	batches: AsyncIterable<readonly MediaEvent[]>,
	{ json }: { readonly json?: boolean },
	{ terminal }: CommandContext,
): Promise<{ count: number; failures: number }> {
	let count = 0;
	let failures = 0;
	for await (const batch of batches) {
		count += batch.length;
		failures += batch.filter(({ type }) => type === 'fragment-failure').length;
		if (json) await terminal.writeJson(batch);
		else await terminal.write(batch.map(eventLine));
	}
	return { count, failures };
}
