/** A metric as a scraper reads it. */
export interface ReadMetric {
	readonly type: string;
	readonly help: string;
	readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/s;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * Reads Prometheus' text format 0.0.4, by its own grammar and stricter than that: HELP, then TYPE, then the samples of a metric,
 * no metric and no set of labels twice. Throws for anything else.
 */
export function readExposition(text: string): ReadonlyMap<string, ReadMetric> {
	if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end');
	const metrics = new Map<string, ReadMetric & { samples: ReadMetric['samples'][number][] }>();
	let help: { name: string; text: string } | null = null;
	let current: string | null = null;
	for (const line of text.split('\n').slice(0, -1)) {
		const [, kind, named = '', rest = ''] = COMMENT.exec(line) ?? [];
		if (kind === 'HELP') {
			help = { name: named, text: unescaped(rest) };
		} else if (kind === 'TYPE') {
			if (help?.name !== named || metrics.has(named)) throw new Error(`TYPE out of place: ${line}`);
			metrics.set(named, { type: rest, help: help.text, samples: [] });
			current = named;
		} else {
			const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
			const metric = name === undefined || name !== current ? undefined : metrics.get(name);
			if (metric === undefined) throw new Error(`not a sample of ${current}: ${line}`);
			const sample = { labels: readLabels(labels), value: Number(value) };
			const isTwice = metric.samples.some(
				(other) => JSON.stringify(other.labels) === JSON.stringify(sample.labels),
			);
			if (isTwice) throw new Error(`twice: ${line}`);
			metric.samples.push(sample);
		}
	}
	return metrics;
}

function readLabels(text: string): Record<string, string> {
	const labels = new Map<string, string>();
	LABEL.lastIndex = 0;
	while (LABEL.lastIndex < text.length) {
		const [, name, value] = LABEL.exec(text) ?? [];
		if (name === undefined || value === undefined || labels.has(name)) throw new Error(`labels: ${text}`);
		labels.set(name, unescaped(value));
	}
	return Object.fromEntries(labels);
}

function unescaped(text: string): string {
	return text.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character));
}

/** The value of the sample with just these labels; undefined where there is none. */
export function sampleValue(
	metrics: ReadonlyMap<string, ReadMetric>,
	name: string,
	labels: Readonly<Record<string, string>> = {},
): number | undefined {
	const isSame = (other: Readonly<Record<string, string>>): boolean =>
		Object.keys(other).length === Object.keys(labels).length &&
		Object.entries(labels).every(([label, value]) => other[label] === value);
	return metrics.get(name)?.samples.find((sample) => isSame(sample.labels))?.value;
}
