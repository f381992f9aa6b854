import type { NormalisedResponse } from './normalise/normalised-response.js';
import type { ProbeStep } from './probe.js';

const FORMAT = 'kvs-archive conformance 1';

/** A request as it was sent but for its values, and what came. */
export interface RecordedStep {
	readonly request: ProbeStep;
	/** Null where it was not sent. */
	readonly response: NormalisedResponse | null;
	/** Why it was not sent. */
	readonly skipped?: string;
}

/** One probe of a run. */
export interface RecordedProbe {
	readonly name: string;
	readonly guess: number;
	readonly writes?: boolean;
	readonly steps: readonly RecordedStep[];
}

/** What an archive gave, with nothing in it that identifies whose it was. */
export interface ConformanceRecord {
	readonly format: typeof FORMAT;
	/** Which archive it was made against. */
	readonly of: 'the service' | 'a local archive';
	readonly comment: string;
	readonly probes: readonly RecordedProbe[];
}

const comments: Readonly<Record<ConformanceRecord['of'], string>> = {
	'the service': 'made against Amazon Kinesis Video Streams',
	'a local archive': 'made against the local archive; not compared with the real service',
};

/** A record of probes in the order in which they ran. */
export function recordOf(of: ConformanceRecord['of'], probes: readonly RecordedProbe[]): ConformanceRecord {
	return { format: FORMAT, of, comment: comments[of], probes };
}

/** A record as its file has it: JSON, a line for what it is and one for each probe. */
export function recordText({ probes, ...head }: ConformanceRecord): string {
	return [head, ...probes].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Reads a record's file. Throws for what is no record. */
export function readRecord(text: string): ConformanceRecord {
	const [head, ...probes] = text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line));
	if (head?.format !== FORMAT) {
		throw new Error(
			'expected a record that `npm run conformance -- --record FILE` wrote, got something else',
		);
	}
	return { ...head, probes };
}
