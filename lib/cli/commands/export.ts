import {
	type ExportOptions as ArchiveExportOptions,
	type ExportSummary,
	type GapPolicy,
	InvalidOptionError,
	type SplitRule,
} from '../../index.js';
import { counted } from '../../wording/counted.js';
import { archiveOf, rangeOrAround, whereOf } from '../archive-options.js';
import type { CommandContext } from '../command-context.js';
import { parseDuration } from '../duration.js';
import { EXIT } from '../exit.js';
import { ProgressBar } from '../progress-bar.js';
import { parseTracks } from '../track-list.js';
import { parseByteSize } from './byte-size.js';
import type { ExportCommandOptions } from './export-command-options.js';
import { exportRaw } from './export-raw.js';

const GAP_WORDS: Readonly<Record<GapPolicy, string>> = { keep: 'kept', close: 'closed', fill: 'filled' };

/** Writes a range into one playable file, or several. */
export async function exportRange(options: ExportCommandOptions, context: CommandContext): Promise<number> {
	const { terminal, signal } = context;
	if (options.raw !== undefined) return exportRaw(options, context);
	if (options.output === undefined) throw new InvalidOptionError('-o', 'given: the file to write');
	const exportOptions = exportOptionsOf(options);
	await using archive = archiveOf(options, context);
	const range = await rangeOrAround(archive, options, context);
	const bar = new ProgressBar(process.stderr);
	let summary: ExportSummary;
	try {
		const onProgress = bar.update.bind(bar);
		summary = await archive.export(range, options.output, { ...exportOptions, signal, onProgress });
	} finally {
		bar.stop();
	}
	if (options.json) await terminal.writeJson([{ type: 'summary', ...summary }]);
	else {
		terminal.sayFragments(summary.failures);
		terminal.sayFragments(summary.notices);
		for (const line of summaryLines(summary, exportOptions.gaps)) terminal.say(line);
	}
	return summary.isComplete ? EXIT.done : EXIT.incomplete;
}

/** The library's options of what was given on the command line. Throws `InvalidOptionError`. */
export function exportOptionsOf({
	tracks,
	where,
	gaps,
	split = [],
	channels,
	faststart,
	manifest,
}: ExportCommandOptions): ArchiveExportOptions {
	return {
		tracks: parseTracks(tracks),
		where: whereOf({ where }),
		gaps,
		split: splitRules(split),
		channels,
		faststart,
		manifest,
	};
}

/** The rules that `--split` names. Throws `InvalidOptionError`. */
export function splitRules(texts: readonly string[]): SplitRule[] {
	return texts.flatMap((text) => (text.startsWith('tag:') ? text : text.split(','))).map(splitRule);
}

function splitRule(text: string): SplitRule {
	if (text === 'gap' || text === 'codec') return text;
	const [, tag] = /^tag:(.+)$/s.exec(text) ?? [];
	if (tag !== undefined) return { tag };
	const everyMs = parseDuration(text);
	if (everyMs !== null && everyMs > 0) return { everyMs };
	const maxBytes = parseByteSize(text);
	if (maxBytes !== null) return { maxBytes };
	throw new InvalidOptionError(
		'--split',
		'`gap`, `codec`, `tag:NAME`, a length like 10m or a size like 500MB',
		text,
	);
}

/** An export for a person: a line about all of it, and where there are several files, a line each. */
export function summaryLines(summary: ExportSummary, gaps: GapPolicy = 'keep'): string[] {
	const { file, files, merged } = summary;
	const parts = [
		`${summary.delivered} of ${counted(summary.fragments, 'fragment')}`,
		counted(summary.frames, 'frame'),
		counted(summary.bytes, 'byte'),
		counted(summary.calls, 'call'),
		`${(summary.elapsedMs / 1000).toFixed(1)} s`,
	];
	if (summary.resumed > 0) parts.push(`${counted(summary.resumed, 'fragment')} resumed`);
	if (summary.discarded > 0) {
		parts.push(`${counted(summary.discarded, 'fragment')} of an earlier export discarded`);
	}
	if (summary.failed > 0) parts.push(`${summary.failed} failed`);
	if (summary.missing > 0) parts.push(`${summary.missing} missing`);
	if (summary.skipped > 0) parts.push(`${summary.skipped} left out by --where`);
	if (merged.gap > 0) parts.push(`${counted(merged.gap, 'gap')} ${GAP_WORDS[gaps]}`);
	const shifted = merged.overlap + merged.regression + merged.duplicate;
	if (shifted > 0) parts.push(`${counted(shifted, 'overlapping fragment')} shifted`);
	if (summary.throttled > 0) parts.push(`${summary.throttled} throttled`);
	const name = files.length === 1 ? file : counted(files.length, 'file');
	const lines = [
		`${summary.verified ? `${name} ${files.length === 1 ? 'is' : 'are'} already complete, and verified` : `wrote ${name}`}: ${parts.join(', ')}`,
	];
	const mediaMs = files.reduce((sum, { durationMs }) => sum + durationMs, 0) - summary.mergedGapMs;
	if (gaps !== 'close' && summary.mergedGapMs > mediaMs) {
		const [gapText, mediaText] = [summary.mergedGapMs, mediaMs].map((ms) => `${(ms / 1000).toFixed(1)} s`);
		lines.push(`  gaps are longer (${gapText}) than the media (${mediaText}): --gaps close leaves them out`);
	}
	if (files.length < 2) return lines;
	for (const { file: part, bytes, frames, durationMs, cut, tag } of files) {
		const why = cut === null ? '' : `; new at fragment ${cut.fragmentNumber} (${cut.reason}: ${cut.detail})`;
		const of =
			tag === undefined ? '' : ` (${tag.value === null ? `no ${tag.name}` : `${tag.name}=${tag.value}`})`;
		lines.push(
			`  ${part}${of}: ${(durationMs / 1000).toFixed(3)} s, ${counted(frames, 'frame')}, ${counted(bytes, 'byte')}${why}`,
		);
	}
	return lines;
}
