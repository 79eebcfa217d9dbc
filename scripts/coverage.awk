# Reads an LCOV report and prints how many lines of src/ were reached: a line for each file, the least reached first, and in all.
# Modules of tests at the end of a file do not count. Fails below `percent`.

# The line where the tests of a file begin; 0 where it has none.
function first_test_line(path,    number, line, marked) {
  marked = 0
  for (number = 1; (getline line < path) > 0; number++) {
    if (marked && line ~ /^mod .*\{/) break
    marked = line ~ /^#\[cfg\(test\)\]/ ? number : 0
  }
  close(path)
  return marked
}

/^SF:/ {
  path = substr($0, 4)
  end = first_test_line(path)
  file = path
  sub(/^.*\/src\//, "src/", file)
}

# DA:line,executions
/^DA:/ {
  split(substr($0, 4), data, ",")
  if (end && data[1] >= end) next
  lines[file]++
  all_lines++
  if (data[2] > 0) {
    reached[file]++
    all_reached++
  }
}

END {
  if (!all_lines) {
    print "coverage: the report has no lines" > "/dev/stderr"
    exit 1
  }
  for (file in lines) {
    printf "%6.2f %%  %5d of %5d  %s\n", 100 * reached[file] / lines[file], reached[file], lines[file], file | "sort -n"
  }
  close("sort -n")
  share = 100 * all_reached / all_lines
  printf "%6.2f %%  %5d of %5d  in all; at least %d %% are wanted\n", share, all_reached, all_lines, percent
  exit share < percent
}
