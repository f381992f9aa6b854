import type { TimelineEvent, TimelineSpan, TimelineTotal, Track } from '../../index.js';
import { counted } from '../../wording/counted.js';
import { type ArchiveCommandOptions, archiveOf, type DateRange, rangeOf } from '../archive-options.js';
import { colors, type Line } from '../colors.js';
import type { CommandContext } from '../command-context.js';
import { gapText, trackText } from '../event-lines.js';
import { EXIT } from '../exit.js';
import { timeBar } from '../time-bar.js';

/** Options of `timeline`. */
export interface TimelineCommandOptions extends ArchiveCommandOptions {
	readonly codecs: boolean;
}

/** Prints what is stored in a range. */
export async function timeline(
	options: TimelineCommandOptions,
	{ terminal, signal, nowMs }: CommandContext,
): Promise<number> {
	const range = rangeOf(options, nowMs);
	await using archive = archiveOf(options, { terminal });
	for await (const events of archive.timeline(range, { signal, codecs: options.codecs }).batches()) {
		if (options.json) await terminal.writeJson(events);
		else {
			const lines = events.map((event) => timelineLine(event, range));
			await terminal.write(lines.filter((line) => line !== null));
		}
		for (const event of events) if (event.type === 'total') sayWhatIsLacking(event, terminal);
	}
	return EXIT.done;
}

function sayWhatIsLacking(
	{ fragments, headersRead, headersFailed, headersSkipped }: TimelineTotal,
	terminal: CommandContext['terminal'],
): void {
	if (fragments === 0) terminal.say('no fragments in the range; check --from, --to and --by');
	if (headersFailed > 0)
		terminal.say(
			`codecs: the headers of ${counted(headersFailed, 'fragment')} could not be read; changes may be missing`,
		);
	if (headersSkipped > 0)
		terminal.say(
			`codecs: ${headersRead} headers were read, which is the limit; later changes may be missing`,
		);
}

/** An event as a line for a person; null for one that has nothing to say. */
function timelineLine(event: TimelineEvent, range: DateRange): Line | null {
	switch (event.type) {
		case 'span':
			return spanLine(event, range);
		case 'gap': {
			const lengthMs = event.to.getTime() - event.from.getTime();
			return [colors.yellow(gapText(event)), `  ${durationText(Math.abs(lengthMs))}`];
		}
		case 'codec-change': {
			const place = `${event.exact ? 'at' : 'at or before'} ${event.at.toISOString()}`;
			return colors.cyan(
				`codecs   ${place}  fragment ${event.fragmentNumber}  ${tracksText(event.before)} -> ${tracksText(event.tracks)}`,
			);
		}
		case 'total':
			return event.fragments === 0 ? null : totalLine(event);
	}
}

function spanLine(span: TimelineSpan, range: DateRange): Line {
	const [from, to] = range.by === 'producer' ? [span.from, span.to] : [span.serverFrom, span.serverTo];
	const parts = [
		`${timeBar({ from, to }, range)} ${span.from.toISOString()} to ${span.to.toISOString()}`,
		durationText(span.to.getTime() - span.from.getTime()),
		counted(span.fragments, 'fragment'),
		counted(span.bytes, 'byte'),
		rateText(span.bitsPerSecond),
		span.tracks === null ? null : tracksText(span.tracks),
	];
	return [colors.bold(`span ${span.index}`), `  ${parts.filter((part) => part !== null).join('  ')}`];
}

function totalLine(total: TimelineTotal): Line {
	const counts = [
		[total.spans, 'span'],
		[total.gaps, 'gap'],
		[total.overlaps, 'overlap'],
		[total.regressions, 'regression'],
		[total.duplicates, 'duplicate'],
		[total.codecChanges, 'codec change'],
	] as const;
	const parts = [
		...counts.flatMap(([count, name]) => (count === null ? [] : [counted(count, name)])),
		counted(total.fragments, 'fragment'),
		counted(total.bytes, 'byte'),
		`${durationText(total.storedMs)} stored`,
		`${durationText(total.gapMs)} in gaps`,
		rateText(total.bitsPerSecond),
	];
	return colors.bold(`total    ${parts.filter((part) => part !== null).join(', ')}`);
}

function tracksText(tracks: readonly Track[]): string {
	return tracks.map(trackText).join(', ');
}

function durationText(durationMs: number): string {
	return `${(durationMs / 1000).toFixed(3)} s`;
}

function rateText(bitsPerSecond: number | null): string | null {
	return bitsPerSecond === null ? null : `${(bitsPerSecond / 1000).toFixed(1)} kbit/s`;
}
