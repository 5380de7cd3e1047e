namespace Capillary.Fleet.Templates.Merging;

/// <summary>
/// Slides blocks of changed lines where the line before one equals its last line, or the line behind equals its first: joined with what
/// they
/// meet, beside a change of the other text where one can be reached, else as far down as it goes. Changed blocks, empty ones too, stand
/// between unchanged lines; both texts have as many of these, so the blocks are pairs.
/// </summary>
internal static class ChangeBlocks
{
    public static void Slide(ReadOnlySpan<int> lines, bool[] changed, bool[] otherChanged)
    {
        var block = new Block(changed);
        var other = new Block(otherChanged);
        do
        {
            if (!block.IsEmpty) Slide(lines, ref block, ref other);
        }
        while (block.Next() && other.Next());
    }

    private static void Slide(ReadOnlySpan<int> lines, ref Block block, ref Block other)
    {
        int size, highest;
        bool meetsOther;
        do
        {
            size = block.End - block.Start;
            while (block.SlideUp(lines)) other.Previous();
            highest = block.End;
            meetsOther = !other.IsEmpty;
            while (block.SlideDown(lines))
            {
                other.Next();
                meetsOther |= !other.IsEmpty;
            }
        }
        while (block.End - block.Start != size); // It met another block and grew.
        if (block.End == highest || !meetsOther) return;
        while (other.IsEmpty && block.SlideUp(lines)) other.Previous();
    }

    private struct Block
    {
        private readonly bool[] changed;

        public Block(bool[] changed)
        {
            this.changed = changed;
            GrowDown();
        }

        public int Start { get; private set; }

        /// <summary>The unchanged line behind the block, or the text's end.</summary>
        public int End { get; private set; }

        public readonly bool IsEmpty => Start == End;

        public bool Next()
        {
            if (End == changed.Length) return false;
            Start = ++End;
            GrowDown();
            return true;
        }

        public void Previous()
        {
            End = --Start;
            GrowUp();
        }

        public bool SlideUp(ReadOnlySpan<int> lines)
        {
            if (Start == 0 || lines[Start - 1] != lines[End - 1]) return false;
            changed[--Start] = true;
            changed[--End] = false;
            GrowUp();
            return true;
        }

        public bool SlideDown(ReadOnlySpan<int> lines)
        {
            if (End == lines.Length || lines[Start] != lines[End]) return false;
            changed[Start++] = false;
            changed[End++] = true;
            GrowDown();
            return true;
        }

        private void GrowUp()
        {
            while (Start > 0 && changed[Start - 1]) Start--;
        }

        private void GrowDown()
        {
            while (End < changed.Length && changed[End]) End++;
        }
    }
}
