import { InvalidOptionError } from '../../errors.js';
import { FRAGMENT_NUMBER_PATTERN } from '../store/stored-fragment.js';
import { ACK_ERROR_IDS } from '../wire/ack-error-name.js';
import { cutElements, type Fault, type FaultRule, faultOperations, throttleErrors } from './fault-rule.js';

/** What a field must be, in words and as a test. */
interface FieldCheck {
	readonly expected: string;
	readonly isOk: (value: unknown) => boolean;
}

/** The longest timer there is (Node caps it at 2^31 - 1 and fires at once past that). */
const MAX_TIMER_MS = 2 ** 31 - 1;

const count = wholeNumber(1, Number.MAX_SAFE_INTEGER);
const timerMs = wholeNumber(0, MAX_TIMER_MS);
const text: FieldCheck = {
	expected: 'text',
	isOk: (value) => typeof value === 'string' && value !== '',
};
const truth: FieldCheck = { expected: 'true or false', isOk: (value) => typeof value === 'boolean' };
const fraction: FieldCheck = { expected: 'a number from 0 to 1', isOk: isFraction };
const fragment: FieldCheck = {
	expected: 'a position from 1, last or random',
	isOk: (value) => count.isOk(value) || value === 'last' || value === 'random',
};

type FieldChecks = Readonly<Record<string, FieldCheck>>;

const conditionFields: FieldChecks = {
	stream: text,
	fragmentNumber: {
		expected: 'a fragment number, as text',
		isOk: (value) => typeof value === 'string' && FRAGMENT_NUMBER_PATTERN.test(value),
	},
	nth: count,
	every: count,
	times: count,
	probability: fraction,
	seed: wholeNumber(0, Number.MAX_SAFE_INTEGER),
};

const cutPointFields: FieldChecks = {
	atByte: wholeNumber(0, Number.MAX_SAFE_INTEGER),
	atFraction: {
		expected: 'a number from 0 to 1, or random',
		isOk: (value) => isFraction(value) || value === 'random',
	},
	inside: oneOf(cutElements),
};

/** Operations whose bodies have no known length, and are not read ahead. */
const streamed = ['GetMedia', 'PutMedia', 'GetClip'];

const exceptionFields: FieldChecks = {
	spelling: oneOf(['get-media', 'documented']),
	goesOn: truth,
};

/** What a fault may be given besides its condition. */
interface FaultFields {
	readonly fields: FieldChecks;
	readonly required?: readonly string[];
	/** Exactly one of these is needed. */
	readonly oneOf?: readonly string[];
	/** The operations it is about, where a rule names none. @default all of them */
	readonly operations?: readonly string[];
	/** Whether a rule may name any other operation too. */
	readonly isForAny?: boolean;
}

const media = { operations: ['GetMediaForFragmentList'] };
const producer = { operations: ['PutMedia'] };
const bodies = oneOf(['request', 'response']);
const listing = { operations: ['ListFragments'] };
const cutPoint = { oneOf: Object.keys(cutPointFields), isForAny: true, ...media };

const faults: Readonly<Record<Fault['fault'], FaultFields>> = {
	throttle: { fields: { error: oneOf(throttleErrors) } },
	'server-error': { fields: { status: oneOf([500, 503]) } },
	reset: { fields: {} },
	'hang-up': { fields: {} },
	'no-response': { fields: { ms: timerMs } },
	cut: {
		fields: { ...cutPointFields, fragment, element: count, of: bodies, as: oneOf(['abort', 'clean']) },
		...cutPoint,
	},
	stall: {
		fields: { ...cutPointFields, fragment, element: count, of: bodies, ms: timerMs },
		...cutPoint,
	},
	'put-error': {
		fields: { errorId: oneOf(ACK_ERROR_IDS), fragment: count },
		required: ['errorId'],
		...producer,
	},
	'slow-disk': { fields: { ms: timerMs }, required: ['ms'], ...producer },
	exception: {
		fields: {
			...exceptionFields,
			code: wholeNumber(0, 2 ** 31 - 1),
			name: text,
			isNumbered: truth,
			fragment,
		},
		required: ['code'],
		...media,
	},
	'not-ready': { fields: { ...exceptionFields, requests: count, share: fraction }, ...media },
	duplicate: { fields: { fragment, again: oneOf(['next', 'last']) }, ...media },
	shuffle: { fields: {}, ...media },
	'leave-out': { fields: { fragment, count }, ...media },
	'empty-page': { fields: {}, ...listing },
	'late-listing': {
		fields: { delayMs: wholeNumber(0, Number.MAX_SAFE_INTEGER), fromListing: count, share: fraction },
		oneOf: ['delayMs', 'fromListing'],
		...listing,
	},
	'dead-endpoint': {
		fields: {
			endpoint: { expected: 'a URL', isOk: (value) => typeof value === 'string' && URL.canParse(value) },
		},
		operations: ['GetDataEndpoint'],
	},
};

/** The operations a rule is about. */
export function operationsOf({ operation, fault }: FaultRule): readonly string[] {
	return operation === undefined ? (faults[fault].operations ?? faultOperations) : [operation];
}

/**
 * Checks what should be a list of fault rules, and returns it. Throws `InvalidOptionError` that names the rule, from 0, and
 * the field: `faults[2].atByte`.
 */
export function checkFaultRules(rules: unknown): readonly FaultRule[] {
	if (!Array.isArray(rules)) throw new InvalidOptionError('faults', 'a list of fault rules', rules);
	for (const [index, rule] of rules.entries()) checkRule(`faults[${index}]`, rule);
	return rules;
}

function checkRule(path: string, rule: unknown): void {
	if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
		throw new InvalidOptionError(path, 'an object', rule);
	}
	const values = rule as Readonly<Record<string, unknown>>;
	const { fault } = values;
	if (typeof fault !== 'string' || !Object.hasOwn(faults, fault)) {
		throw new InvalidOptionError(`${path}.fault`, `one of ${Object.keys(faults).join(', ')}`, fault);
	}
	const {
		fields,
		required = [],
		oneOf: alternatives,
		operations,
		isForAny = false,
	} = faults[fault as Fault['fault']];
	const checks: FieldChecks = {
		fault: text,
		operation: oneOf(isForAny ? faultOperations : (operations ?? faultOperations)),
		...conditionFields,
		...fields,
	};
	for (const [name, value] of Object.entries(values)) {
		if (value === undefined) continue;
		const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
		if (check === undefined) {
			throw new InvalidOptionError(
				`${path}.${name}`,
				`absent: ${fault} takes ${Object.keys(checks).join(', ')}`,
				value,
			);
		}
		if (!check.isOk(value)) throw new InvalidOptionError(`${path}.${name}`, check.expected, value);
	}
	for (const name of required) {
		if (values[name] === undefined) {
			throw new InvalidOptionError(`${path}.${name}`, fields[name]?.expected ?? 'there', undefined);
		}
	}
	if (alternatives !== undefined) {
		const given = alternatives.filter((name) => values[name] !== undefined);
		if (given.length !== 1) {
			const got = given.length === 0 ? undefined : given.join(' and ');
			throw new InvalidOptionError(path, `given exactly one of ${alternatives.join(', ')}`, got);
		}
	}
	checkBody(path, values);
}

/** Checks which places a rule may name in the bodies of its operation. */
function checkBody(path: string, values: Readonly<Record<string, unknown>>): void {
	const { operation = 'GetMediaForFragmentList' } = values as { operation?: string };
	for (const name of ['atFraction', 'inside']) {
		if (values[name] !== undefined && streamed.includes(operation)) {
			throw new InvalidOptionError(`${path}.${name}`, `absent: ${operation} takes atByte`, values[name]);
		}
	}
	if (values['inside'] !== undefined && operation !== 'GetMediaForFragmentList') {
		throw new InvalidOptionError(
			`${path}.operation`,
			'GetMediaForFragmentList, since `inside` is given',
			operation,
		);
	}
	if (values['of'] !== undefined && operation !== 'PutMedia') {
		throw new InvalidOptionError(`${path}.operation`, 'PutMedia, since `of` is given', values['operation']);
	}
}

function wholeNumber(min: number, max: number): FieldCheck {
	return {
		expected: `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`,
		isOk: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
	};
}

function oneOf(values: readonly unknown[]): FieldCheck {
	return {
		expected: values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`,
		isOk: (value) => values.includes(value),
	};
}

function isFraction(value: unknown): boolean {
	return typeof value === 'number' && value >= 0 && value <= 1;
}
