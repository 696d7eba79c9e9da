// Similarity of vectors, which are arrays of FLOAT of the same length. Different lengths are an error.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const math = definer('scalar', 'math');

/** The form, or an error where the two arrays differ in length. */
const sameLength =
  (name: string, form: (a: string, b: string) => string) =>
  (site: CallSite): string => {
    const [a = '', b = ''] = site.sql;
    return `CASE WHEN len(${a}) <> len(${b}) THEN error('${name} needs two arrays of the same number of elements') ELSE ${form(a, b)} END`;
  };

export const VECTOR_FUNCTIONS: readonly FunctionEntry[] = [
  math(
    'cosine_similarity',
    [
      '(array<float>, array<float>) -> float',
      sameLength('cosine_similarity', (a, b) => `list_cosine_similarity(${a}, ${b})`),
    ],
    'Cosine of the angle between two vectors.',
    ['cosine_similarity([1.0, 0.0], [0.0, 2.0])', '0'],
  ),
  math(
    'cosine_similarity_norm',
    [
      '(array<float>, array<float>) -> float',
      sameLength('cosine_similarity_norm', (a, b) => `list_inner_product(${a}, ${b})`),
    ],
    'The same for vectors of length 1: their inner product.',
    ['cosine_similarity_norm([0.6, 0.8], [1.0, 0.0])', '0.6'],
  ),
  math(
    'inner_product',
    [
      '(array<float>, array<float>) -> float',
      sameLength('inner_product', (a, b) => `list_inner_product(${a}, ${b})`),
    ],
    'Sum of the products of the elements.',
    ['inner_product([1.0, 2.0], [3.0, 4.0])', '11'],
  ),
  math(
    'l2_distance',
    [
      '(array<float>, array<float>) -> float',
      sameLength('l2_distance', (a, b) => `CAST(pow(list_distance(${a}, ${b}), 2) AS FLOAT)`),
    ],
    'Sum of the squared differences of the elements (no square root is taken).',
    ['l2_distance([1.0, 2.0], [4.0, 6.0])', '25'],
  ),
];
