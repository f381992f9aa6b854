import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What a program imports the package by, and the compiled declarations of it. */
const ENTRIES: readonly { readonly name: string; readonly file: string; readonly about: string }[] = [
	{
		name: 'kvs-archive',
		file: 'dist/index.d.ts',
		about:
			'Reads, exports, follows and feeds streams. `kvs-archive/mkv` is the part of it that reads Matroska and knows nothing of AWS.',
	},
	{
		name: 'kvs-archive/mkv',
		file: 'dist/mkv-node.d.ts',
		about: 'Matroska to events; in browsers without `MkvReader`.',
	},
	{ name: 'kvs-archive/server', file: 'dist/server/index.d.ts', about: 'The local archive.' },
	{
		name: 'kvs-archive/redis',
		file: 'dist/redis/index.d.ts',
		about: 'Checkpoints and quotas that processes share. Needs `ioredis`.',
	},
	{
		name: 'kvs-archive/dynamodb',
		file: 'dist/dynamodb/index.d.ts',
		about: 'Checkpoints in DynamoDB. Needs `@aws-sdk/client-dynamodb`.',
	},
	{ name: 'kvs-archive/s3', file: 'dist/s3/index.d.ts', about: 'Output in S3. Needs `@aws-sdk/client-s3`.' },
	{
		name: 'kvs-archive/bullmq',
		file: 'dist/bullmq/index.d.ts',
		about: 'Workers and their queue. Needs `bullmq` and `ioredis`.',
	},
];

/** An export: its declaration, and what its docblock says. */
export interface ExportedDeclaration {
	readonly name: string;
	readonly documentation: string;
	/** As the compiler writes it, without what is private. */
	readonly declaration: string;
}

/** The page of all exports, from the declarations that were compiled last. */
export async function apiPage(): Promise<string> {
	const entries = await Promise.all(
		ENTRIES.map(async (entry) => ({ ...entry, exports: await exportsOf(entry.file) })),
	);
	const seen = new Set<string>();
	const parts = [
		'# Every export',
		'',
		'Made from the docblocks by `npm run docs`. What methods are for, and in which order: [library.md](library.md).',
		'',
		...entries.map(({ name, exports }) => `- [\`${name}\`](#${name.replace('/', '')}): ${exports.length}`),
		'',
	];
	for (const { name, about, exports } of entries) {
		parts.push(`## ${name}`, '', about, '');
		const known = exports.filter((exported) => seen.has(exported.declaration));
		if (known.length > 0) {
			parts.push(`As above: ${known.map((exported) => `\`${exported.name}\``).join(', ')}.`, '');
		}
		for (const exported of exports) {
			if (seen.has(exported.declaration)) continue;
			seen.add(exported.declaration);
			parts.push(
				`### ${exported.name}`,
				'',
				exported.documentation,
				'',
				'```ts',
				exported.declaration,
				'```',
				'',
			);
		}
	}
	return parts.join('\n');
}

/** Whatever a module exports, by name in the order of the alphabet. */
async function exportsOf(file: string): Promise<ExportedDeclaration[]> {
	const found = await Promise.all(
		(await exportedFrom(file)).map(({ name, from }) => declarationOf(name, from)),
	);
	return found.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

/** Names that a module exports, and the modules that declare them. */
async function exportedFrom(file: string): Promise<{ name: string; from: string }[]> {
	const text = await readFile(file, 'utf8');
	const found: { name: string; from: string }[] = [];
	const reexports = /^export (?:type )?(?:\{([^}]*)\}|\*) from '([^']+)\.js';$/gm;
	for (const [, names, module = ''] of text.matchAll(reexports)) {
		const from = join(dirname(file), `${module}.d.ts`);
		if (names === undefined) found.push(...(await exportedFrom(from)));
		else for (const name of names.split(',')) found.push({ name: name.replace('type ', '').trim(), from });
	}
	return found.filter(({ name }) => name !== '');
}

async function declarationOf(name: string, file: string): Promise<ExportedDeclaration> {
	const text = await readFile(file, 'utf8');
	// The compiler begins declarations in the first column, and indents their lines.
	const statement = new RegExp(
		`^((?:/\\*\\*(?:[^*]|\\*(?!/))*\\*/\\n)?)export (?:declare )?((?:abstract )?(?:class|function|const|interface|type) ${name}\\b.*(?:\\n[ }].*)*)`,
		'm',
	);
	const elsewhere = (await exportedFrom(file)).find((exported) => exported.name === name);
	if (elsewhere !== undefined) return declarationOf(name, elsewhere.from);
	const [, comment = '', declaration] = statement.exec(text) ?? [];
	if (declaration === undefined) throw new Error(`${file} has no declaration of ${name}`);
	return {
		name,
		documentation: prose(comment),
		declaration: declaration.replace(/^ {4}(?:#private|private \w.*);\n/gm, '').replaceAll('    ', '\t'),
	};
}

/** A docblock as paragraphs of Markdown. */
function prose(comment: string): string {
	return comment
		.replace(/^\/\*\*|\*\/\s*$/g, '')
		.replace(/^ \* ?/gm, '')
		.replace(/\{@link (\w+)\}/g, '`$1`')
		.replace(/^@param (\w+)(?: -)? /gm, '- `$1`: ')
		.replace(/^@(?:returns|throws) /gm, '\n')
		.replace(/^@default (.*)$/gm, '\nDefault: `$1`')
		.replace(/^@example\n([\s\S]*?)(?=^@|$(?![\s\S]))/gm, '\n$1')
		.trim();
}
